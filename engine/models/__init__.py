"""The base model and the weights of a lineage: resolved, rebuilt, written as GGUF."""
