"""The loss chart: its axes, its series, and the Braille dots it is drawn with."""
