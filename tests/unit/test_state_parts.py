"""Large tables go to Spark in parts, of which none is too large and no row is lost."""

from __future__ import annotations

import pyarrow as pa
import pytest

from r2d2.catalog import state


@pytest.mark.parametrize(("rows", "most"), [(0, 100), (1, 1), (10, 1), (1000, 3000), (1000, 1 << 30)])
def test_parts_hold_every_row_once_in_order(rows: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_PART_BYTES", most)
    table = pa.table({"n": list(range(rows)), "text": ["x" * 20] * rows})
    parts = state._parts(table)
    assert [n for part in parts for n in part["n"].to_pylist()] == list(range(rows))
    assert all(part.num_rows == 1 or part.num_rows <= 1 + rows * most // table.nbytes for part in parts)
    assert len(parts) == (0 if rows == 0 else 1) or most < table.nbytes
