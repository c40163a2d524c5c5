"""Examinations of a language model: item scoring, recall, generalization, style drift, forgetting.

Standard library only. A probe is handed something that answers (`probes.base.Model`); it knows no model and no screen.
"""
