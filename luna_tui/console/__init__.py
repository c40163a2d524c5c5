"""The console without a screen: its events, its state, its actions, and its link to the engine."""
