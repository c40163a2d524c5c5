"""The console's background work, and its link to the engine."""
