"""Training data: readers, parsers, rows, holdout, replay, the inbox, and synthetic rows."""
