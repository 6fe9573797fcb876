"""All ways, in the order of the table."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from benchmarks.task import Way

_MODULES = (
    "limit",
    "product",
    "value_first",
    "paper",
    "brute_duckdb",
    "brute_spark",
    "set_similarity",
    "lsh_ensemble",
    "polars_joins",
)


def all_ways() -> list[Way]:
    """Every way, installed or not."""
    return [import_module(f"benchmarks.ways.{module}").WAY for module in _MODULES]


def way_named(name: str) -> Way:
    """The way of that name."""
    return next(way for way in all_ways() if way.name == name)


def missing(way: Way) -> list[str]:
    """The modules that a way needs and that are not installed."""
    return [module for module in way.needs if find_spec(module) is None]
