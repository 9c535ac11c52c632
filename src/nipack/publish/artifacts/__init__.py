"""What artifacts contain: their files, the records among them, and how damage shows."""
