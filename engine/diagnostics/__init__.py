"""The checks behind `luna-tui doctor`, and the machine samples that screens show."""
