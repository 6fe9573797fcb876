"""Retirements that the lake holds and the journal does not tell of: its end was cut off (DELETION 5)."""

from __future__ import annotations

import zlib
from collections.abc import Container

from r2d2.errors import Tampered
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import storage_for
from r2d2.model.recipe import Recipe
from r2d2.recovery.claims.claims import Claims
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.places import AREA, Area


def refuse_forgotten(lake: LakeWriter, claims: Claims, known: Container[str]) -> None:
    """Raises if the lake holds a retirement of this state that is not among the known ones.

    Raises:
        Tampered: names one.
    """
    for root in lake.roots:
        for name in _names(joined(root, f"{AREA}/quarantine")):
            area = Area(root, name)
            if name not in known and _is_own(claims, area):
                what = f"{shown(area.directory)} was retired with this state, whose journal does not tell of it"
                raise Tampered(what, "restore the journal from a backup; nothing is changed until then")


def _is_own(claims: Claims, area: Area) -> bool:
    """Whether a retirement is this state's, going by its claim on the dataset that its recipe names."""
    try:
        text = Recipe.unpacked(storage_for(area.recipe).read_bytes(area.recipe))
        location = Recipe.from_json(text).manifest.location
    except (OSError, ValueError, KeyError, TypeError, EOFError, zlib.error):
        return False
    return any(claim.receipt == area.receipt and claim.state == claims.id for claim in claims.on(location))


def _names(directory: str) -> list[str]:
    try:
        return storage_for(directory).names(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
