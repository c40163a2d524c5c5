"""Chat with a generation: one answer, a conversation of single raw prompts, or prompts from a pipe."""
