"""Evaluation of a language model: item scoring, recall, generalization, style drift, forgetting.

Standard library only. A probe is passed something that answers (`probes.base.Model`); it knows no concrete model and no
screen.
"""
