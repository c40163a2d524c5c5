"""Stored conversations: their record, and the files under `chats/` that hold them."""
