"""Export of a generation in the form that another program reads."""
