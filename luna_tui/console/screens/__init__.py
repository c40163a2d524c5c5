"""The pages and dialogs of the console, one module each."""
