"""The study: train the same lineage with other seeds, and all its rows in one run, evaluated on the same exams."""
