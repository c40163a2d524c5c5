"""Talking to a generation: one answer, a conversation of single raw prompts, or a pipe."""
