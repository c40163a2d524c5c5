"""One generation: prepare, train, export, evaluate, judge, record; resume and rollback."""
