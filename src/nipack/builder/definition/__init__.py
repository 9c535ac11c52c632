"""What `package.yaml` says of a data package, and every fault in it."""
