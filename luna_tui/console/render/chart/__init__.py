"""The loss chart: axes, series, Braille dots."""
