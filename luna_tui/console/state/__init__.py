"""What the console knows, and how events change it."""
