"""The command line: commands, their output, and what becomes of errors."""
