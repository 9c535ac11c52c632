"""What changed in the data from one version to the next, and whether an analysis would notice."""
