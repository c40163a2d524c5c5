"""Exams, the gate, the stop rule, the forgetting matrix and comparisons; every model is queried through one cache."""
