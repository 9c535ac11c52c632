"""The builder's stories, one module for each command: `build`, `check`, `recipe`."""
