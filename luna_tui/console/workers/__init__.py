"""Threads beside the screen, and the console's link to the engine."""
