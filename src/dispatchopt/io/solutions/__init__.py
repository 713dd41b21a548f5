"""Solutions in files: decisions by name; a file here is one kind, and exports ``SOLUTION``."""
