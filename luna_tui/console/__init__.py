"""The Textual console: its events, state, actions, screens and link to the engine."""
