"""What ``r2d2 purge`` does: spark-submit jobs/purge.py --state DIR --yes [--older-than 30d]."""

from __future__ import annotations

import sys

from r2d2.cli import main

if __name__ == "__main__":
    sys.exit(main(["purge", *sys.argv[1:]]))
