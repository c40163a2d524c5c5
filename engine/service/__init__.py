"""Who may do what, when: the one way in for all long work."""
