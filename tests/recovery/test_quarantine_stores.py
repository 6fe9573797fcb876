"""Quarantine in a store: Delta is fenced where it is, other objects are marked, or moved by copies (DELETION 2)."""

from __future__ import annotations

import io
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from obstore.exceptions import GenericError

from r2d2.errors import NotRetirable
from r2d2.lake.object_client import delta_options
from r2d2.lake.storage import storage_for
from r2d2.recovery.context import Recovery
from r2d2.recovery.moves.bring_back import bring_back
from r2d2.recovery.moves.places import Area
from r2d2.recovery.moves.put_away import Kind, PutAway
from r2d2.recovery.moves.quarantine import is_whole, plan_away, put_away
from tests.recovery_runs import at_work, snapshot

ROWS = pa.table({"id": pa.array(range(20), pa.int64()), "day": ["a", "b"] * 10})


def parquet_bytes(rows: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink)
    return sink.getvalue()


@pytest.fixture
def lake(s3: str, other_client: Any) -> str:
    other_client.put_object(Bucket=s3, Key="lake/d/part-0.parquet", Body=parquet_bytes(ROWS.slice(0, 10)))
    other_client.put_object(Bucket=s3, Key="lake/d/part-1.parquet", Body=parquet_bytes(ROWS.slice(10)))
    other_client.put_object(Bucket=s3, Key="lake/d/_SUCCESS", Body=b"")
    other_client.put_object(Bucket=s3, Key="lake/x's 😀.csv", Body=b"a,b\n1,2\n")
    location = f"s3://{s3}/lake/t"
    for mode in ("error", "append"):
        write_deltalake(location, ROWS, mode=mode, storage_options=delta_options(location))  # type: ignore[call-overload]
    return f"s3://{s3}/lake"


def away_of(recovery: Recovery, name: str, objects: Any) -> PutAway:
    return plan_away(recovery.datasets()[name], Area(recovery.lake.roots[0], "r1"), objects, "ann")


@pytest.mark.parametrize(
    ("name", "objects", "kind"),
    [
        ("d", "in-place", Kind.IN_PLACE),
        ("d", "move", Kind.COPIED),
        ("x's 😀.csv", "in-place", Kind.IN_PLACE),
        ("x's 😀.csv", "move", Kind.COPIED),
        ("t", "in-place", Kind.FENCED),
        ("t", "move", Kind.FENCED),
    ],
)
def test_what_is_put_away_comes_back_with_the_same_bytes(
    lake: str, s3: str, name: str, objects: str, kind: Kind
) -> None:
    before = snapshot(lake)
    with at_work(lake, f"s3://{s3}/state") as recovery:
        away = away_of(recovery, name, objects)
        assert away.kind is kind
        put_away(recovery.lake, away)
        assert is_whole(away)
        usable = {name for name, dataset in recovery.look().items() if dataset.status == "ok"}
        assert (name in usable) == (kind is Kind.IN_PLACE)
        assert bring_back(recovery.lake, away) == ()
        assert bring_back(recovery.lake, away) == ()
        assert recovery.look()[name].status == "ok"
    assert snapshot(lake) == before


def test_a_fenced_table_in_a_store_is_read_and_written_by_nobody(lake: str, s3: str) -> None:
    location = f"{lake}/t"
    options = delta_options(location)
    in_flight = DeltaTable(location, storage_options=options)
    with at_work(lake, f"s3://{s3}/state") as recovery:
        away = away_of(recovery, "t", "in-place")
        put_away(recovery.lake, away)
        with pytest.raises(Exception, match=r"r2d2Retired|nsupported|rotocol"):
            DeltaTable(location, storage_options=options).to_pyarrow_table()
        with pytest.raises(Exception, match=r"r2d2Retired|nsupported|rotocol|ommit"):
            write_deltalake(in_flight, ROWS, mode="append")
        bring_back(recovery.lake, away)
    assert DeltaTable(location, storage_options=options).to_pyarrow_table().num_rows == 40


def test_an_object_written_during_the_move_survives_and_the_move_is_undone(
    lake: str, s3: str, other_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(lake)
    with at_work(lake, f"s3://{s3}/state") as recovery:
        away = away_of(recovery, "d", "move")
        real = type(recovery.lake).copy

        def copy(self: Any, source: str, target: str) -> None:
            real(self, source, target)
            other_client.put_object(Bucket=s3, Key="lake/d/part-0.parquet", Body=b"new")

        monkeypatch.setattr(type(recovery.lake), "copy", copy)
        with pytest.raises(NotRetirable):
            put_away(recovery.lake, away)
        monkeypatch.undo()
        left = bring_back(recovery.lake, away)
    after = snapshot(lake)
    assert len(left) <= 1
    assert other_client.get_object(Bucket=s3, Key="lake/d/part-0.parquet")["Body"].read() == b"new"
    assert {name: after[name] for name in before if name != "d/part-0.parquet"} == {
        name: value for name, value in before.items() if name != "d/part-0.parquet"
    }


@pytest.mark.parametrize("when", ["before", "while"])
def test_an_object_that_gets_other_bytes_of_the_same_size_is_noticed(
    lake: str, s3: str, other_client: Any, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def written() -> None:
        key = "lake/d/part-0.parquet"
        size = other_client.head_object(Bucket=s3, Key=key)["ContentLength"]
        other_client.put_object(Bucket=s3, Key=key, Body=b"x" * size)

    with at_work(lake, f"s3://{s3}/state") as recovery:
        away = away_of(recovery, "d", "in-place")
        if when == "before":
            written()
        else:
            real = type(recovery.lake).put

            def put(self: Any, *arguments: Any, **named: Any) -> str:
                written()
                return str(real(self, *arguments, **named))

            monkeypatch.setattr(type(recovery.lake), "put", put)
        with pytest.raises(NotRetirable, match="part-0"):
            put_away(recovery.lake, away)
        monkeypatch.undo()
        assert bring_back(recovery.lake, away) == ()


@pytest.mark.parametrize("answer", ["heard", "lost"])
def test_what_somebody_else_writes_where_a_copy_goes_is_neither_removed_nor_taken_for_the_copy(
    lake: str, s3: str, other_client: Any, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    storage = storage_for(lake)
    source, target = f"{lake}/d/part-0.parquet", f"{lake}/new"
    size = storage.stat(source).size
    theirs = b"y" * (size if answer == "lost" else size + 1)
    real, calls = obstore.copy, []

    def copy(*arguments: Any, **named: Any) -> None:
        calls.append(1)
        if answer == "heard" or len(calls) > 1:
            real(*arguments, **named)
        if len(calls) == 1:
            other_client.put_object(Bucket=s3, Key="lake/new", Body=theirs)
            if answer == "lost":
                raise GenericError("HTTP error: error sending request")

    monkeypatch.setattr(obstore, "copy", copy)
    with pytest.raises(FileExistsError):
        storage.rename(source, target)
    monkeypatch.undo()
    assert storage.read_bytes(target) == theirs
    assert storage.stat(source).size == size
