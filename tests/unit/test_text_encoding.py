"""UTF-16 is decoded exactly; what is no UTF-8 or UTF-16 is refused with its line and what to do."""

from __future__ import annotations

import codecs
import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.listing import Candidate
from r2d2.errors import UnsupportedData
from r2d2.lake import text_encoding
from r2d2.lake.layout import Reader
from r2d2.lake.text_encoding import Utf8Check, encoding_of, to_utf8
from r2d2.lake.text_summary import summarize
from r2d2.model.dataset import FileSummary
from r2d2.report.reading import reading_lines
from tests.containment_runs import candidate, contained, data_file, datasets_of, proven_pairs
from tests.sampling import one_of_each

MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
WORDS = [
    "é",
    "\U0001f600",
    "𝄞x",
    "e\u0301",
    "\u2028",
    "\ufffd",
    "a\ufeffb",
    "日本",
    'say "no"',
    "two\nlines",
    "",
    "\u0a0d",
]
TABLE = {"i": list(range(len(WORDS))), "name": WORDS}


def _text(kind: str, words: list[str] = WORDS, newline: str = "\n") -> str:
    rows = list(enumerate(words))
    if kind == "json":
        return json.dumps([{"i": i, "name": word} for i, word in rows], ensure_ascii=False)
    if kind == "jsonl":
        return "".join(json.dumps({"i": i, "name": word}, ensure_ascii=False) + newline for i, word in rows)
    mark = "\t" if kind == "tsv" else ","
    quoted = [f'{i}{mark}"{word.replace(chr(34), chr(34) * 2)}"' for i, word in rows]
    return "".join(line + newline for line in [f"i{mark}name", *quoted])


def _write(path: Path, text: str, encoding: str) -> Path:
    data = MARKS.get(encoding, b"") + text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def _refused(folder: Path, data: bytes, kind: str = "csv") -> str:
    (folder / "t").write_bytes(data)
    summary = summarize(folder / "t", kind, False)
    assert summary.status == "unsupported", summary
    return summary.reason


def _typed(path: Path, names: list[str]) -> Candidate:
    pq.write_table(pa.table({**TABLE, "name": names}), path)
    return candidate(path.stem, "parquet", [data_file(path)], path)


NAMES = ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.csv.gz", "a.jsonl.gz"]


@pytest.mark.parametrize(("name", "encoding"), one_of_each(NAMES, list(MARKS)))
def test_utf16_is_proven_against_typed_data_and_one_other_character_is_not(
    tmp_path: Path, name: str, encoding: str
) -> None:
    kind = name.split(".")[1]
    path = _write(tmp_path / name, _text(kind), encoding)
    listed = [candidate("text", kind, [data_file(path)], path), _typed(tmp_path / "typed.parquet", WORDS)]
    for place, other in ((1, "\U0001f601"), (3, "é"), (5, "?"), (6, "ab"), (10, " ")):
        words = [*WORDS[:place], other, *WORDS[place + 1 :]]
        listed.append(_typed(tmp_path / f"other{place}.parquet", words))
    found = datasets_of(listed)
    assert [dataset.error for dataset in found] == [""] * len(listed)
    assert proven_pairs(contained(found)) == {("text", "typed"), ("typed", "text")}


@pytest.mark.parametrize("encoding", [*MARKS, "utf-8"])
def test_the_encoding_is_recorded_and_shown(tmp_path: Path, encoding: str) -> None:
    path = _write(tmp_path / "a.csv.gz", _text("csv", newline="\r\n", words=["x", "y"]), encoding)
    summary: FileSummary = summarize(path, "csv", True)
    reader = Reader.from_json(summary.reader)
    assert (reader.options["encoding"], reader.options["compression"]) == (encoding, "gzip")
    assert reader.options["newline"] == "\r\n"
    assert summary.properties["encoding"] == encoding
    (dataset,) = datasets_of([candidate("t", "csv", [data_file(path)], path)])
    assert any("UTF-16" in line for line in reading_lines(dataset)) is (encoding != "utf-8")


def test_files_of_one_dataset_may_have_different_encodings(tmp_path: Path) -> None:
    words = ["é", "日本", "\U0001f600"]
    paths = [
        _write(tmp_path / f"{n}.csv", f"i,name\n{n},{word}\n", encoding)
        for n, (word, encoding) in enumerate(zip(words, [*MARKS, "utf-8"], strict=True))
    ]
    pq.write_table(pa.table({"i": [0, 1, 2], "name": words}), tmp_path / "typed.parquet")
    typed = candidate("typed", "parquet", [data_file(tmp_path / "typed.parquet")], tmp_path)
    found = datasets_of([candidate("text", "csv", [data_file(p) for p in paths], tmp_path), typed])
    assert proven_pairs(contained(found)) == {("text", "typed"), ("typed", "text")}


@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize(
    ("units", "line"),
    [
        (["a,b\n1,", 0xD800, "\n"], 2),
        (["a,b\n1,2\n3,", 0xDC00, "\n"], 3),
        (["a,b\n1,", 0xD83D, 0xD83D, 0xDE00, "\n"], 2),
        (["a,b\n1,2\n3,4\n5,", 0xD83D], 4),
    ],
    ids=str,
)
def test_halves_of_surrogate_pairs_are_refused_with_the_line(
    tmp_path: Path, encoding: str, units: list[str | int], line: int
) -> None:
    order = "little" if encoding == "utf-16-le" else "big"
    parts = [unit.encode(encoding) if isinstance(unit, str) else unit.to_bytes(2, order) for unit in units]
    reason = _refused(tmp_path, MARKS[encoding] + b"".join(parts))
    assert reason == f"line {line} is not well-formed UTF-16"


def test_half_a_character_at_the_end_and_two_marks_are_refused(tmp_path: Path) -> None:
    data = MARKS["utf-16-le"] + "a,b\n1,2\n".encode("utf-16-le")
    assert _refused(tmp_path, data + b"3") == "line 3 is not well-formed UTF-16"
    assert _refused(tmp_path, MARKS["utf-16-le"] + data) == "line 1 starts with two byte order marks"


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"])
def test_other_wide_encodings_and_none_marked_are_refused(tmp_path: Path, encoding: str) -> None:
    assert "convert it to UTF-8" in _refused(tmp_path, "a,b\n1,2\n".encode(encoding))


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json"])
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "shift-jis"])
def test_other_encodings_are_refused_with_the_line_and_what_to_do(tmp_path: Path, kind: str, encoding: str) -> None:
    word = "日本" if encoding == "shift-jis" else "café"
    lines = _text("jsonl" if kind == "json" else kind, ["x", "y", word, "z"]).splitlines()
    if kind == "json":
        lines = [mark + line for mark, line in zip("[,,,", lines, strict=True)] + ["]"]
    reason = _refused(tmp_path, "\n".join(lines).encode(encoding), kind)
    assert reason.startswith(f"line {3 + (kind in ('csv', 'tsv'))} is not UTF-8; convert the file to UTF-8")


def _look(data: bytes, size: int) -> None:
    check = Utf8Check()
    for start in range(0, len(data), size):
        check.look(data[start : start + size])
    check.look(b"", final=True)


def test_lines_are_counted_right_whatever_the_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A character may be cut at the end of a chunk, and a line end may follow what is wrong."""
    text = "é\n\U0001f600\nx\n日\n" * 4
    good = text.encode()
    for place in range(len(good)):
        bad = good[:place] + b"\xff" + good[place:]
        valid = bad[:place].decode("utf-8", "ignore")
        for size in (1, 2, 3, 5, 7):
            with pytest.raises(UnsupportedData, match=rf"^line {1 + valid.count(chr(10))} is"):
                _look(bad, size)
    monkeypatch.setattr(text_encoding, "_CHUNK", 5)
    path = _write(tmp_path / "a", text, "utf-16-be")
    assert to_utf8(path, False, encoding_of(path, False), tmp_path / "b").read_bytes() == good


def test_any_text_comes_back_as_it_was(tmp_path: Path) -> None:
    random.seed(5)
    for encoding in MARKS:
        points = [random.choice([random.randrange(0xD800), random.randrange(0xE000, 0x110000)]) for _ in range(50_000)]
        text = "a" + "".join(map(chr, points))
        path = _write(tmp_path / "a", text, encoding)
        assert to_utf8(path, False, encoding_of(path, False), tmp_path / "b").read_bytes() == text.encode()
