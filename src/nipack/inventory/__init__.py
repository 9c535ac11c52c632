"""What is installed: each copy, its owner, its licence and citation, and whether it is intact."""
