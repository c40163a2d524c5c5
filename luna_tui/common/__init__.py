"""Code shared by the command line, the reports and the console."""
