"""Following, showing and interrupting a training run."""
