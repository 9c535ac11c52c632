#!/bin/bash
# Install the data as the authors released it: nothing is built, and no byte is changed.
set -euo pipefail

# The data's folder in the release; names of the data stand in no code.
IFS= read -r folder < "$RECIPE_DIR"/data-folder

# Which files are in this package of several stands in a list.
own="$RECIPE_DIR/packages/$PKG_NAME"
data="$PREFIX"/share/nipy/nipy/templates
mkdir -p "$PREFIX/share/nipack/$PKG_NAME"
while IFS= read -r path; do
    mkdir -p "$(dirname "$data/$path")"
    cp -P "release/$folder/$path" "$data/$path"
    test -L "$data/$path" || chmod 0644 "$data/$path"
done < "$own"/files
cp "$own"/SHA256SUMS "$own"/package.json "$PREFIX/share/nipack/$PKG_NAME"
chmod 0644 "$PREFIX/share/nipack/$PKG_NAME"/*
if [ "$PKG_NAME" = nipy-templates-texts ]; then
    mkdir -p "$PREFIX"/etc/nipy
    printf '[DATA]\npath = %s/share/nipy\n' "$PREFIX" > "$PREFIX"/etc/nipy/nipy_templates.ini
    chmod 0644 "$PREFIX"/etc/nipy/nipy_templates.ini
fi
