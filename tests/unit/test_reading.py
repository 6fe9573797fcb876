"""What `explain` says of how text is read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.report.reading import reading_lines
from tests.containment_runs import candidate, data_file, datasets_of, parquet_dataset


def _lines(folder: Path, *contents: bytes, kind: str = "csv") -> list[str]:
    paths = [folder / f"{number}.{kind}" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    (dataset,) = datasets_of([candidate("t", kind, [data_file(path) for path in paths], folder)])
    assert dataset.error == ""
    return list(reading_lines(dataset))


def test_each_dialect_and_each_token_of_a_dataset_is_named(tmp_path: Path) -> None:
    assert _lines(tmp_path, b"a;b\r\n1;x\r\nNA;y\r\n", b'a;b\n1;"x\\""\n\\N;y\n', b"a;b\n1;x\n") == [
        "read as fields between semicolons, quotes doubled inside of quotes, a header, lines ended by \\r\\n",
        "read as fields between semicolons, a backslash before quotes inside of quotes, a header, lines ended by \\n",
        "read as fields between semicolons, quotes doubled inside of quotes, a header, lines ended by \\n",
        'NA and \\N in column "a" counts as NULL where it is compared as another type than text',
    ]


def test_tokens_in_a_column_that_is_only_text_are_no_null(tmp_path: Path) -> None:
    assert len(_lines(tmp_path, b"i,a\n1,NA\n2,NA\n")) == 1
    assert len(_lines(tmp_path, b"i,a\n1,NA\n2,5\n")) == 2


def test_headers_that_are_guessed_or_missing_are_named(tmp_path: Path) -> None:
    assert "a header (nothing but text tells so)" in _lines(tmp_path, b"a,b\nx,y\n")[0]
    assert "no header" in _lines(tmp_path, b"1,2\n3,4\n")[0]


def test_typed_data_and_plain_json_have_nothing_to_say(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    assert list(reading_lines(parquet_dataset(tmp_path / "a.parquet"))) == []
    assert _lines(tmp_path, b'{"a": 1}\n', kind="jsonl") == []
