"""A fingerprint of the code that reads and hashes: what the cache of results is keyed by, besides the data."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

import duckdb
import pyarrow as pa


@cache
def code_fingerprint(*packages: str) -> str:
    """Changes whenever results might: with the versions of DuckDB and pyarrow, and with any module of the packages."""
    digest = hashlib.sha256(f"{duckdb.__version__} {pa.__version__}".encode())
    for package in packages:
        modules = [entry for entry in files(package).iterdir() if entry.name.endswith(".py")]
        for module in sorted(modules, key=lambda entry: entry.name):
            digest.update(f"\n{package}.{module.name}\n".encode())
            digest.update(module.read_bytes())
    return digest.hexdigest()[:16]
