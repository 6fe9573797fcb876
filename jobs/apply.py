"""What ``r2d2 apply`` does: spark-submit jobs/apply.py [PLAN] --state DIR --yes [--only PATTERN]."""

from __future__ import annotations

import sys

from r2d2.cli import main

if __name__ == "__main__":
    sys.exit(main(["apply", *sys.argv[1:]]))
