"""What ``r2d2 retention`` does: spark-submit jobs/retention.py --state DIR [--run ID] [--set KEY=VALUE]."""

from __future__ import annotations

import sys

from r2d2.cli import main

if __name__ == "__main__":
    sys.exit(main(["retention", *sys.argv[1:]]))
