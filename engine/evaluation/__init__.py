"""Exams, the gate, the stop rule, the forgetting matrix, comparisons; every model is asked through one cache."""
