from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from r2d2.errors import R2D2Error, UnreadableData, UnsupportedData
from r2d2.lake import json_records
from r2d2.lake.json_records import records, shape_of


def rows(folder: Path, data: bytes, compressed: bool = False) -> list[object]:
    path = folder / "0.json"
    path.write_bytes(gzip.compress(data) if compressed else data)
    return list(records(path, compressed, shape_of(path, compressed)))


@pytest.mark.parametrize(
    "data",
    [
        b'[{"a": "1"}, {"a": "2"}]',
        b' \r\n[\n{"a": "1"}\n,\n{"a": "2"}\n]\n \t',
        b'{"a": "1"}\n{"a": "2"}\n',
        b'{"a": "1"}\r\n\r\n  \n{"a": "2"}',
        b'\xef\xbb\xbf{"a": "1"}\n{"a": "2"}',
        b'\xef\xbb\xbf[{"a": "1"},{"a": "2"}]',
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 3, 1 << 20])
def test_records_are_found_in_every_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, chunk: int
) -> None:
    want = [{"a": "1"}, {"a": "2"}]
    assert rows(tmp_path, data, compressed=True) == want
    path = tmp_path / "0.json"
    path.write_bytes(data)
    shape = shape_of(path, False)
    monkeypatch.setattr(json_records, "_CHUNK", chunk)
    assert list(records(path, False, shape)) == want


def test_records_that_span_chunks_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(7)
    want = [
        {"a": "é😀\u2028" * rng.randint(0, 30), "b": {"c": ["}", "]", '"', "\\", ",", "[{"] * rng.randint(0, 9)}}
        for _ in range(300)
    ]
    for separators in ((",", ":"), (" , ", " : ")):
        for chunk in (1, 5, 64, 4096):
            monkeypatch.setattr(json_records, "_CHUNK", chunk)
            path = tmp_path / "0.json"
            path.write_text(json.dumps(want, ensure_ascii=False, separators=separators), encoding="utf-8")
            assert list(records(path, False, "array")) == want


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b" \n", "empty file"),
        (b"1\n2\n", "neither a JSON list"),
        (b'"x"', "neither a JSON list"),
        ('[{"a":1}]'.encode("utf-16"), "neither a JSON list"),
        (b"[1, 2]", "record 1 of the list is not an object"),
        (b'[{"a":1}, [2]]', "record 2 of the list is not an object"),
        (b'[{"a":1}, ]', "record 2 of the list is missing"),
        (b'[{"a":1} {"a":2}]', "record 1 is followed by neither"),
        (b'[{"a":1}, {"a":2}', "record 2 is followed by neither"),
        (b'[{"a":1}, {"a":', "record 2 is no valid JSON"),
        (b'[{"a":1}] x', "more text follows"),
        (b'[{"a":1}][{"a":2}]', "more text follows"),
        (b'[{"a":1},\n{"a":"\xff"}]', "line 2 is not UTF-8"),
        (b'[{"a":1}, {"a":1,"a":2}]', "record 2 holds an object with the same key twice"),
        (b'[{"a":NaN}]', "record 1 holds NaN"),
        (b'[{"a":"\\ud800"}]', "record 1 holds half of a surrogate pair"),
        (b'{"a":1}\n{"a":1}}\n', "line 2 is no valid JSON"),
        (b'{"a":1}\n\n{"a":\n', "line 3 is no valid JSON"),
        (b'{"a":1}\n[1]\n', "line 2 is a list, not an object"),
        (b'{"a":1}\n12\n', "line 2 is a number, not an object"),
        (b'{"a":1}\n"x"\n', "line 2 is a text, not an object"),
        (b'{"a":1}\n{"a":"\xc0\x80"}\n', "line 2 is not UTF-8"),
        (b'{"a":1}\n{"a":' + b"[" * 3000 + b"]" * 3000 + b"}\n", "line 2 is nested too deeply"),
        (b'[{"a":' + b"[" * 3000 + b"]" * 3000 + b"}]", "record 1 is nested too deeply"),
        (b'{"a":1} {"a":2}\n', "line 1 is no valid JSON"),
    ],
)
def test_what_is_no_list_of_records_is_refused_with_its_place(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises((UnsupportedData, UnreadableData), match=reason):
        rows(tmp_path, data)


def test_records_over_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MAX_RECORD", 1000)
    monkeypatch.setattr(json_records, "_CHUNK", 100)
    with pytest.raises(R2D2Error, match="line 2 is longer"):
        rows(tmp_path, b'{"a":1}\n{"a":"' + b"x" * 2000 + b'"}')
    with pytest.raises(R2D2Error, match="record 2"):
        rows(tmp_path, b'[{"a":1},{"a":"' + b"x" * 5000 + b'"}]')


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "0.json"
    path.write_bytes(gzip.compress(b'[{"a":1}]')[:-6])
    with pytest.raises(UnreadableData, match="damaged gzip"):
        list(records(path, True, "array"))
