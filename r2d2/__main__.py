"""``python -m r2d2`` is ``r2d2``."""

import sys

from r2d2.cli import main

sys.exit(main())
