"""The study: the same lineage again with other seeds, and everything in one run, on the same rows and exams."""
