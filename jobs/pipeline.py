"""spark-submit jobs/pipeline.py LAKE... --state DIR [--config FILE] [--set KEY=VALUE]: what ``r2d2 run`` does.

It takes all its flags: ``--estimate``, ``--dry-run``, ``--log-format json``, limits (``--max-bytes``) and others.
spark-submit puts both outputs of a job into one: ``--quiet`` leaves only the payload.
"""

from __future__ import annotations

import sys

from r2d2.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
