"""What `luna-tui doctor` looks at, and what a screen is told about the machine."""
