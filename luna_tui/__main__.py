"""`python -m luna_tui` is `luna-tui`."""

import os
import sys

# Python puts the working directory in front; what lies there is a person's data, and no torch.py of it is torch. It
# stays only where luna itself is run from its sources.
if not sys.flags.safe_path and sys.path[0] != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
    del sys.path[0]

from luna_tui.cli.main import main

if __name__ == "__main__":
    main()
