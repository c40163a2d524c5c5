"""One module a command: it reads flags, asks the engine, and shows what comes back."""
