"""What is read to learn the columns and rows of what was listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from r2d2.catalog.listing import Candidate
from r2d2.model.dataset import HEADED_FORMATS, TEXT_FORMATS, DataFile, Dataset, source_file

#: The format of what Spark reads and hands over as Parquet.
BY_SPARK = "spark"


@dataclass(frozen=True)
class FileToRead:
    """A file to summarise; ``format`` is that of its dataset."""

    file: DataFile
    format: str


def files_of(candidates: Sequence[Candidate]) -> list[FileToRead]:
    """What is to be read of usable candidates, each once."""
    usable = (candidate for candidate in candidates if candidate.status == "ok")
    return list(dict.fromkeys(file for candidate in usable for file in to_read(candidate)))


def to_read(candidate: Candidate) -> list[FileToRead]:
    """What is read to learn a candidate's columns: its files, or all of its rows by Spark."""
    if candidate.source is None:
        return [FileToRead(file, candidate.format) for file in candidate.files]
    rows = source_file(candidate.source, candidate.bytes, candidate.modified_ns, candidate.fingerprint)
    return [FileToRead(rows, BY_SPARK)]


def by_spark(candidate: Candidate) -> bool:
    """Whether Spark reads all rows of a candidate to learn its columns, after what its files say where they say any."""
    return candidate.source is not None or candidate.format in HEADED_FORMATS


def needs_of(some: Iterable[Candidate | Dataset]) -> frozenset[str]:
    """The jar sets that Spark reads the usable ones of some datasets with."""
    usable = [one for one in some if one.status == "ok"]
    sources = [one.source for one in usable if one.source is not None]
    # a table may turn out to be one for Spark when the session is there, which loads no more jars then
    stores = {"s3" for one in usable if one.location.startswith(_S3) and one.format not in _FILES}
    return frozenset(stores.union(*(source.needs for source in sources)))


_S3 = ("s3://", "s3a://", "s3n://")
_FILES = TEXT_FORMATS | {"parquet"}
