"""`python -m luna_tui` is `luna-tui`."""

from luna_tui.main import main

if __name__ == "__main__":
    main()
