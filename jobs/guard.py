"""What ``r2d2 guard`` does: spark-submit jobs/guard.py --state DIR."""

from __future__ import annotations

import sys

from r2d2.cli import main

if __name__ == "__main__":
    sys.exit(main(["guard", *sys.argv[1:]]))
