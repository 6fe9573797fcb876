"""What a dataset is, as discovery and the metadata describe it (EXACTNESS 1 and 2). No Spark, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from r2d2.model.source import SparkSource

#: A column path, one element for each level; never joined by dots.
LeafPath = tuple[str, ...]

#: A bound in its family's canonical form: number → Decimal, floating → float, date → days since 1970-01-01,
#: timestamp and instant → nanoseconds since 1970-01-01, string → str, boolean → bool.
BoundValue = Decimal | float | int | str | bool

#: What the path of a ``source_file`` begins with; no file's path does, for those are absolute or URLs.
HANDED_BY_SPARK = "spark:"

#: The property of a dataset that another state of r2d2 needs: what is rebuilt from it, for people.
CLAIMED = "r2d2.claimed"

#: The property of a dataset, or of a file of it, that holds what people wrote about it (``model.comments``).
COMMENTS = "r2d2.comments"

#: Formats whose files hold text, which is compared under typed views (EXACTNESS 4).
TEXT_FORMATS = frozenset({"csv", "tsv", "jsonl", "json"})

#: Formats whose files say which columns they hold, and whose rows Spark reads.
HEADED_FORMATS = frozenset({"orc", "avro"})


@dataclass(frozen=True)
class Bounds:
    """Smallest and largest value of a leaf under one family; NULL and NaN are not covered by them.

    ``tight``: a row of the dataset holds that value. ``valid``: no row lies beyond it. A bound that is neither
    may still shape a box, and may never refute (EXACTNESS 5).
    """

    low: BoundValue
    high: BoundValue
    low_tight: bool = False
    high_tight: bool = False
    low_valid: bool = False
    high_valid: bool = False

    def below(self, other: Bounds) -> bool:
        """Whether a row of these lies below all rows of the other's, which are of the same family."""
        return self.low_tight and other.low_valid and bool(self.low < other.low)  # type: ignore[operator]

    def above(self, other: Bounds) -> bool:
        """Whether a row of these lies above all rows of the other's, which are of the same family."""
        return self.high_tight and other.high_valid and bool(self.high > other.high)  # type: ignore[operator]


@dataclass(frozen=True)
class Leaf:
    """A flattened column.

    Attributes:
        path: names from the outside in, as the dataset spells them.
        families: what it can be compared as, narrowest first; one for typed data, several for text.
        type: the type as the format names it, for people.
        nulls: number of rows in which it is NULL, or None if unknown.
        bounds: by family.
        shape: of JSON values that are lists: what they hold (``lake.json_shape``); else empty.
    """

    path: LeafPath
    families: tuple[str, ...]
    type: str = ""
    nulls: int | None = None
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    shape: str = ""


@dataclass(frozen=True, slots=True)  # there may be millions
class DataFile:
    """One file of a dataset, pinned to what it was when it was listed.

    Attributes:
        path: absolute path or URL.
        size: bytes.
        mtime_ns: last change, nanoseconds since 1970-01-01 UTC.
        identity: the physical object: ``dev:inode`` on disk, ``scheme://bucket/key`` in a store.
        ctime_ns: last change of file or inode, on disk, where nobody can set it back; 0 in a store.
        tag: what a store says of the object's content, its ETag or version id; empty on disk. Reads are pinned to it.
        reader: index into ``Dataset.readers``: how its columns are read.
        rows: number of rows, or None where only a scan can tell.
        partition: partition column → raw text, None for NULL.
        vector: which of its rows are deleted (``lake.delta_vectors``), and not counted in ``rows``; empty for none.
    """

    path: str
    size: int
    mtime_ns: int
    identity: str
    ctime_ns: int = 0
    tag: str = ""
    reader: int = 0
    rows: int | None = None
    partition: tuple[tuple[str, str | None], ...] = ()
    vector: str = ""


class OtherFiles(NamedTuple):
    """Files of a table's directory that hold none of its rows: log, checkpoints, old versions. They cost storage, too.

    Those of one day and one size class are counted together. A class ends at a power of two of bytes, so that whatever
    is billed by a smallest size that is one can be told from the sums.

    Attributes:
        number: of files.
        bytes: of all of them.
        mtime_ns: last change of the newest of them, nanoseconds since 1970-01-01 UTC.
    """

    number: int
    bytes: int
    mtime_ns: int


def source_file(source: SparkSource, size: int, modified_ns: int, mark: str, rows: int | None = None) -> DataFile:
    """All rows of a dataset that Spark reads, as a file that tasks can name.

    Args:
        size: bytes of the data files.
        mark: what changes when the rows do.
    """
    return DataFile(f"{HANDED_BY_SPARK}{source.to_json()}", size, modified_ns, mark, rows=rows)


@dataclass(frozen=True)
class Dataset:
    """A table in the lake.

    Attributes:
        id: path relative to its root, ``/`` between the parts, an alias before it where there are several roots.
        format: ``parquet``, ``delta``, ``csv``, ``tsv``, ``jsonl``, ``json``; what claims it where it can't be read.
        location: absolute path or URL of its directory or file.
        version: ``v<N>`` of the table log, or a fingerprint of names, sizes and times of the files.
        files: data files.
        readers: how to read them: one JSON text for each distinct footer schema or text dialect (``lake.layout``).
        leaves: flattened columns.
        rows: number of rows, or None where unknown.
        bytes: bytes of the data files.
        modified_ns: last change of a file, nanoseconds since 1970-01-01 UTC.
        partition_columns: names.
        properties: table properties and the like, for people.
        names: other ids of the same bytes.
        pins: identities of files outside the dataset, or shared with another one, that its log refers to.
        shared_with: ids of datasets that share some of its files; neither may be retired.
        others: files of its directory that hold none of its rows, and go with it.
        reads: a month, as access logs tell; None if unknown. Joined on for plans, not kept with the dataset.
        source: what Spark reads instead of the files (``model.source``); None where they hold the rows as they are.
        retirable: whether it has bytes of its own that could be freed; a view has none.
        status: ``ok``, ``empty``, ``archived``, ``unread``, ``unsupported``, ``unprovable`` or ``error``.
        reason: why it is not ``ok``, in words for its owner.
    """

    id: str
    format: str
    location: str
    version: str
    files: tuple[DataFile, ...] = ()
    readers: tuple[str, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    rows: int | None = None
    bytes: int = 0
    modified_ns: int = 0
    partition_columns: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    shared_with: tuple[str, ...] = ()
    others: tuple[OtherFiles, ...] = ()
    reads: float | None = None
    source: SparkSource | None = None
    retirable: bool = True
    status: str = "ok"
    reason: str = ""

    @property
    def scanned(self) -> tuple[DataFile, ...]:
        """What is opened to read its rows: its files, or the one name under which Spark hands all rows over."""
        if self.source is None:
            return self.files
        return (source_file(self.source, self.bytes, self.modified_ns, self.version, self.rows),)

    @property
    def has_views(self) -> bool:
        """Whether it can be compared in several ways: text, and typed files under ``k=v`` directories (EXACTNESS 4)."""
        return any(len(leaf.families) > 1 for leaf in self.leaves)

    @property
    def error(self) -> str:
        """What the ``datasets`` command shows: empty for a usable dataset, else ``status: reason``."""
        return "" if self.status == "ok" else f"{self.status}: {self.reason}"


@dataclass(frozen=True)
class FileSummary:
    """What one file says of itself: a Parquet footer, or one pass over a text file (which has no footer).

    Attributes:
        rows: number of rows.
        reader: how to read it, as ``lake.layout.Reader.to_json`` gives it.
        leaves: with null counts and bounds of this file.
        properties: footer keys and the like, for people.
        status: ``ok``, ``unsupported`` or ``error``; with another than ``ok`` the rest may be empty.
        reason: why it is not ``ok``, in words for its owner, naming the column or the line.
        bytes_read: how much of the file was read to say this.
    """

    rows: int = 0
    reader: str = ""
    leaves: tuple[Leaf, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    status: str = "ok"
    reason: str = ""
    bytes_read: int = 0
