"""The ledger: a verifiable record of what was trained from what, and the one writer of models/.

Standard library only.
"""
