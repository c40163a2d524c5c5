"""The training loop itself, on TRL or Unsloth; everything here imports torch."""
