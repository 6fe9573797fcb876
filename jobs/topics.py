"""What ``r2d2 topics`` does: spark-submit jobs/topics.py --state DIR [--run ID] [--fresh] [--set KEY=VALUE]."""

from __future__ import annotations

import sys

from r2d2.cli import main

if __name__ == "__main__":
    sys.exit(main(["topics", *sys.argv[1:]]))
