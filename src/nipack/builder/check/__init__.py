"""Every problem of a data package: `rules` has each, the other modules find them.

`structure` looks at the definition, config.ini, folders and links; `names` at what systems make of
file names; `contents`, with `images` and `privacy`, inside the files.
"""
