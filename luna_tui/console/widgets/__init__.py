"""The panes and form widgets of the console; a pane shows a part of the state and posts the user's intents."""
