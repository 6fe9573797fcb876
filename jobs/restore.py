"""What ``r2d2 restore`` does: spark-submit jobs/restore.py DATASET --state DIR [--to PATH]."""

from __future__ import annotations

import sys

from r2d2.cli import main

if __name__ == "__main__":
    sys.exit(main(["restore", *sys.argv[1:]]))
