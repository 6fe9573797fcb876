"""What ``r2d2 containment`` does: spark-submit jobs/containment.py --state DIR [--run ID] [--max-bytes SIZE] ..."""

from __future__ import annotations

import sys

from r2d2.cli import main

if __name__ == "__main__":
    sys.exit(main(["containment", *sys.argv[1:]]))
