"""The base model and the weights of a lineage: resolving, rebuilding, and writing them as GGUF."""
