"""Words for people: why data is not found, what is near, and what to do about it."""
