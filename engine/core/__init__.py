"""Code that every layer uses: errors, events, the run journal, cancellation, and facts about the machine."""
