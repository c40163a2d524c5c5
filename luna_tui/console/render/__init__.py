"""Pure functions from values to lines of text: what the panes show, without a screen."""
