"""The command line of luna-tui, and the only package that draws."""
