"""Destinations and questions of the console, one module each."""
