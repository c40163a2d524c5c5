"""The method's six steps, one module each: prepare, train, export, examine, judge, record."""
