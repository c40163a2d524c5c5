"""What can be learned: readers, parsers, rows, holdout, replay, the inbox, synthetic rows."""
