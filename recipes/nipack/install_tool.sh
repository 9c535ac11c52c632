#!/bin/bash
set -euo pipefail
mkdir -p "$SP_DIR/nipack"
cp -R src/nipack/builder src/nipack/cli src/nipack/system "$SP_DIR/nipack"
