"""spark-submit jobs/report.py --state DIR [--run ID] [--config FILE] [--set KEY=VALUE]: what ``r2d2 report`` does."""

from __future__ import annotations

import sys

from r2d2.cli import main

if __name__ == "__main__":
    sys.exit(main(["report", *sys.argv[1:]]))
