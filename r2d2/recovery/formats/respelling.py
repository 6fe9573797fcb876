"""Texts of a parent spelled as a child spelled the same values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.recovery.formats.spellings import spelled
from r2d2.recovery.formats.texts import FAMILIES, values_of

#: Texts by which it is told whether both spell alike, which most do.
_PROBED = 256


def respelled(texts: pa.Array, styles: Mapping[str, str]) -> pa.Array:
    """LARGE_STRING texts in the child's styles (by family), or as they are where they are of none of the families."""
    valid = texts.drop_null()
    probe = valid.slice(0, _PROBED).to_pylist()
    if _in_style(probe, styles) in (None, probe):
        return texts
    found = _in_style(valid.to_pylist(), styles)
    if found is None:
        return texts
    places = np.maximum(np.cumsum(np.asarray(pc.is_valid(texts), bool)) - 1, 0)
    spread = pa.array(found, pa.large_string()).take(pa.array(places))
    return pc.if_else(pc.is_valid(texts), spread, pa.scalar(None, pa.large_string()))


def _in_style(texts: Sequence[str], styles: Mapping[str, str]) -> list[str] | None:
    """The texts spelled anew; None where they are no values of a family that has a style."""
    for family in FAMILIES:
        values = values_of(texts, family) if texts and family in styles else None
        if values is not None:
            found: list[str] = spelled(values, family, styles[family]).to_pylist()
            return found
    return None
