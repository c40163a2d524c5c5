"""Run `luna-tui` as `python -m luna_tui`."""

import os
import sys

# Python puts the working directory first in sys.path; it holds the user's data, and a torch.py in it must not be
# imported as torch. It is kept only when luna runs from its own sources.
if not sys.flags.safe_path and sys.path[0] != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
    del sys.path[0]

from luna_tui.cli.main import main

if __name__ == "__main__":
    main()
