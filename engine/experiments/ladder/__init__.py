"""The size ladder: the smallest base that solves the challenge cards, with the evidence that it is enough."""
