"""Record formats: field names, conversations, chat exports and control markers, in the spellings people have."""
