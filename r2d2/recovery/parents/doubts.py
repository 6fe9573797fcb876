"""What may keep a dataset from coming back the same, as far as it shows before any data is read.

Whether it does only apply's trial tells: it rebuilds the dataset, and asks for ``merely-equal`` or leaves it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from r2d2.lake.file_tree import shown
from r2d2.model.dataset import HEADED_FORMATS, TEXT_FORMATS, Dataset, Leaf
from r2d2.model.family import FLOATING

_MOST = 3
#: Bytes that a recipe takes at least, about; and for each file of both datasets besides.
_RECIPE, _OF_FILE = 1200, 100


def doubts(child: Dataset, parent: Dataset) -> tuple[str, ...]:
    """What may come back merely equal, or keep it from being retired, in words."""
    equal = list(_unlike(child))
    told = [f"it may only come back equal: {'; '.join(equal)}"] if equal else []
    return (*told, *(f"it may be left alone: {why}" for why in _in_the_way(child, parent)))


def _unlike(child: Dataset) -> Iterator[str]:
    if child.format in TEXT_FORMATS:
        yield "values that one column spells in more than one way, blank lines"
        if child.format in ("json", "jsonl"):
            yield "JSON that is not spaced or ordered in one way"
        return
    floats = [leaf for leaf in child.leaves if any(FLOATING in family for family in leaf.families)]
    if floats:
        yield f"zeros and NaNs of other bits in {_some(floats)}"
    maps = [leaf for leaf in child.leaves if any("map<" in family for family in leaf.families)]
    if maps:
        yield f"entries of maps that stand in no one order in {_some(maps)}"


def _in_the_way(child: Dataset, parent: Dataset) -> Iterator[str]:
    if child.format in HEADED_FORMATS or child.source is not None or parent.source is not None:
        yield "its rows are not written anew, so that its files must be copies of its parent's"
    if parent.format == "json" and child.rows != parent.rows:
        yield "no predicate may tell its rows in a JSON document, where they can't be listed"
    if child.format in ("json", "jsonl") and parent.format in ("csv", "tsv"):
        yield "lists and objects in it come back from JSON only"
    if child.format == "json":
        yield "a document with unlike spaces between its records is not written anew"
    least = _RECIPE + _OF_FILE * (len(child.files) + len(parent.files))
    if child.bytes < least:
        yield f"its recipe may take more room than its {child.bytes:,} bytes"


def _some(leaves: Sequence[Leaf]) -> str:
    names = [shown(".".join(leaf.path)) for leaf in leaves[:_MOST]]
    more = [f"{len(leaves) - _MOST} more"] if len(leaves) > _MOST else []
    return ", ".join([*names, *more])
