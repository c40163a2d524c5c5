"""The luna-tui command line, console and report; the only package that draws output."""
