"""How sure a figure is: intervals of proportions, paired tests, replicas with other seeds."""
