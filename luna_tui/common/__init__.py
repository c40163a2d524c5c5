"""What the command line, the reports and the console share."""
