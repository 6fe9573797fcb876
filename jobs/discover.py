"""spark-submit jobs/discover.py LAKE... --state DIR [--config FILE] [--set KEY=VALUE]: what ``r2d2 discover`` does."""

from __future__ import annotations

import sys

from r2d2.cli import main

if __name__ == "__main__":
    sys.exit(main(["discover", *sys.argv[1:]]))
