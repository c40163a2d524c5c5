"""`luna-tui chats`: the stored conversations of a workspace."""
