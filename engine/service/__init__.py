"""The engine service: the single entry point for all long work in a workspace."""
