"""Lines of CSV that read back as they were."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable


def csv_line(cells: Iterable[object]) -> str:
    r"""A line that ends with ``\n`` and whose cells are quoted where they must be.

    Python's own writer leaves a lone carriage return unquoted where lines end with ``\n``; such a line can't be read.

    >>> csv_line(["a", "b,c", 3])
    'a,"b,c",3\n'
    """
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue().removesuffix("\r\n") + "\n"
