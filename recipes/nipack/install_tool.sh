#!/bin/bash
set -euo pipefail
mkdir -p "$SP_DIR/nipack"
cp -R src/nipack/build src/nipack/cli "$SP_DIR/nipack"
