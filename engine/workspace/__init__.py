"""A workspace on disk: layout and lock, runs, cached manifest facts, verification and garbage collection."""
