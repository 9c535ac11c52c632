"""Take data from a repository without a package manager: its key, its list, its data."""
