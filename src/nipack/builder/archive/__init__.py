"""The streams that artifacts are made of: tar, zip, and how they are compressed."""
