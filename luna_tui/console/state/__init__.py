"""The console's state, and how events change it."""
