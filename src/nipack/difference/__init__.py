"""What changed in the data from one version to the next, and whether an analysis would notice.

Builder and repositories ask the same: `versions` has the answer, `words` words it.
"""
