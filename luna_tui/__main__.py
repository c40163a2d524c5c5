"""`python -m luna_tui` is `luna-tui`."""

from luna_tui.cli import main

if __name__ == "__main__":
    main()
