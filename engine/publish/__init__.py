"""A generation written for another program."""
