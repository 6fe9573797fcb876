"""Is there a Java that Spark can use? Stands by itself, so that the Makefile can ask before anything is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_JAVA = 17


def java_problem() -> str:
    """What is wrong with the Java on this machine, and what to install; empty if it will do."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    install = f"install Java {OLDEST_JAVA} (Debian, Ubuntu: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"
    if not java or not Path(java).exists():
        return f"Java is missing; Spark needs Java {OLDEST_JAVA} or newer: {install}"
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)(?:\.(\d+))?', answer.stderr + answer.stdout)
    version = int(found[2] if found[1] == "1" and found[2] else found[1]) if found else 0
    if version < OLDEST_JAVA:
        return f"Java {version or 'of an unknown version'} at {java} is too old for Spark: {install}"
    return ""


if __name__ == "__main__":
    sys.exit(java_problem() or 0)
