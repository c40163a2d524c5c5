"""Experiments that train many models to answer one question: the size ladder and the study."""
