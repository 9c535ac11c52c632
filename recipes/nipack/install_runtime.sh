#!/bin/bash
# Install all of nipack, with the metadata that pip knows it by, and leave the tool to its output.
set -euo pipefail
"$PYTHON" -m pip install . --no-deps --no-build-isolation --no-index -vv
rm -r "$SP_DIR"/nipack/build "$SP_DIR"/nipack/cli "$PREFIX"/bin/nipack
