"""The panes of the console; each shows a part of the state and posts what a person wants."""
