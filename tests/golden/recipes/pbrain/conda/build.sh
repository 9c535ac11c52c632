#!/bin/bash
# Install the data as the authors released it: nothing is built, and no byte is changed.
set -euo pipefail

# The data's folder in the release; names of the data stand in no code.
IFS= read -r folder < "$RECIPE_DIR"/data-folder

data="$PREFIX"/share/nipy/pbrain/meshes
mkdir -p "$data" "$PREFIX"/etc/nipy "$PREFIX"/share/nipack/pbrain-meshes
cp -RP "release/$folder/." "$data"
find "$data" -type f -exec chmod 0644 {} +
cp "$RECIPE_DIR"/SHA256SUMS "$RECIPE_DIR"/package.json "$PREFIX"/share/nipack/pbrain-meshes
chmod 0644 "$PREFIX"/share/nipack/pbrain-meshes/*
printf '[DATA]\npath = %s/share/nipy\n' "$PREFIX" > "$PREFIX"/etc/nipy/pbrain_meshes.ini
chmod 0644 "$PREFIX"/etc/nipy/pbrain_meshes.ini
