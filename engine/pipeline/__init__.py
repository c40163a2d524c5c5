"""The pipeline of one generation: prepare, train, export, evaluate, judge, record; resume and rollback."""
