"""What begins and raises a definition: `nipack init` and `nipack bump`."""
