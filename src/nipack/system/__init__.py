"""What builder and repositories stand on: files, digests, other programs, errors, progress."""
