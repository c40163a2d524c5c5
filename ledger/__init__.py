"""The ledger: what was trained from what, provably. Standard library only, and the one writer of models/."""
