"""The image's health check: ``python docker/healthy.py``.

With HEALTH_URL in the environment, that it answers; else that r2d2 runs. ``session``: that a Spark session with Delta
starts, which also brings the jars that it needs.
"""

from __future__ import annotations

import os
import sys
import urllib.request


def main(what: str) -> None:
    """Raises whatever is wrong; the exit code tells."""
    if what == "session":
        from r2d2.config import SparkSettings
        from r2d2.lake.session import build_session

        build_session(SparkSettings(master="local[1]")).stop()
    elif url := os.environ.get("HEALTH_URL"):
        with urllib.request.urlopen(url, timeout=20):
            pass
    else:
        import r2d2

        print(r2d2.__version__)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
