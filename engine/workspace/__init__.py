"""A workspace on disk: its layout and lock, runs, manifests, verification."""
