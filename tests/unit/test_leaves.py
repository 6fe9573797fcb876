"""Leaves of partition columns."""

from __future__ import annotations

import pytest

from r2d2.catalog.leaves import partition_leaf
from r2d2.errors import UnsupportedData
from r2d2.model.family import NUMBER, STRING


def test_half_a_character_in_a_table_log_makes_one_table_unsupported_and_ends_nothing() -> None:
    """JSON allows it, no encoding does; it ended the whole run."""
    with pytest.raises(UnsupportedData, match="no valid Unicode"):
        partition_leaf("k", [(2, "\ud800"), (1, "a")], STRING)


def test_values_with_zeros_in_front_are_text_and_differ() -> None:
    assert NUMBER not in partition_leaf("k", [(1, "01"), (1, "1")]).families
    assert NUMBER in partition_leaf("k", [(1, "1"), (1, "2"), (3, None)]).families
