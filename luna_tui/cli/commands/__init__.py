"""One module per command: it parses options, calls the engine, and prints the result."""
