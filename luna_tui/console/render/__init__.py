"""Pure functions from values to lines of text: the contents of the panes, independent of a screen."""
