"""Where data comes from: addresses, archives, folders, and the data directory in them."""
