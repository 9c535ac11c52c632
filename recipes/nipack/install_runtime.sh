#!/bin/bash
set -euo pipefail
mkdir -p "$SP_DIR/nipack"
cp src/nipack/*.py src/nipack/py.typed "$SP_DIR/nipack"
