"""The tables and reports that commands print."""
