"""Rows on their way into a workspace: each is let in once, and personal data can be masked."""
