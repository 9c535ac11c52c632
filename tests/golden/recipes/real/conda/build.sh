#!/bin/bash
# Install the data as the authors released it: nothing is built, and no byte is changed.
set -euo pipefail

# The data's folder in the release; names of the data stand in no code.
IFS= read -r folder < "$RECIPE_DIR"/data-folder

data="$PREFIX"/share/nipy/nipy/templates
mkdir -p "$data" "$PREFIX"/etc/nipy "$PREFIX"/share/nipack/nipy-templates
cp -RP "release/$folder/." "$data"
find "$data" -type f -exec chmod 0644 {} +
cp "$RECIPE_DIR"/SHA256SUMS "$RECIPE_DIR"/package.json "$PREFIX"/share/nipack/nipy-templates
chmod 0644 "$PREFIX"/share/nipack/nipy-templates/*
printf '[DATA]\npath = %s/share/nipy\n' "$PREFIX" > "$PREFIX"/etc/nipy/nipy_templates.ini
chmod 0644 "$PREFIX"/etc/nipy/nipy_templates.ini
