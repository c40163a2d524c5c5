"""The six steps of a run, one module each: prepare, train, export, evaluate, judge, record."""
