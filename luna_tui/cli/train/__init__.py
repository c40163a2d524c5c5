"""How a run of training is followed, shown and interrupted."""
