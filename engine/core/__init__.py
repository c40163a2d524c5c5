"""What every layer uses: errors, events, the journal, cancellation, facts of the machine."""
