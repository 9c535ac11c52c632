"""What several formats of one distribution say in its own words."""
