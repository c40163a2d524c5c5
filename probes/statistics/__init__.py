"""The uncertainty of scores: intervals of proportions, paired tests, replicas with other seeds."""
