#!/bin/bash
# Install all of nipack, with the metadata that pip knows it by, and leave the tool to its output.
set -euo pipefail
"$PYTHON" -m pip install . --no-deps --no-build-isolation --no-index -vv
rm -r "$SP_DIR"/nipack/builder "$SP_DIR"/nipack/cli "$SP_DIR"/nipack/system "$PREFIX"/bin/nipack
