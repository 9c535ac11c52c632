"""Repositories: what makes them of artifacts, and what a person and a machine read there."""
