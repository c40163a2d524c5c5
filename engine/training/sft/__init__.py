"""The training loop itself, on TRL or Unsloth; nearly every module here imports torch."""
