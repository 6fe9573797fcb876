"""Locations as Hadoop, Hive and Iceberg spell them."""

from __future__ import annotations

import re


def local_path(location: str) -> str:
    """A location without ``file:``; catalogs and tables give Hadoop paths, which are not percent-encoded."""
    return re.sub(r"^file:(//)?(?=/)", "", location)
