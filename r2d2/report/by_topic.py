"""What can be saved in each topic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from r2d2.model.plan import GONE
from r2d2.report.data import DatasetRow, ReportData
from r2d2.report.topics import TopicName

#: Topics that the section lists; the plan's filter has all.
MAX_TOPICS = 200


@dataclass(frozen=True)
class TopicLine:
    """A topic with the figures of its datasets.

    Attributes:
        number: its index in ``ReportData.topics``.
        gone, bytes_gone: of the datasets whose bytes go.
        share: the percentage of its bytes that go.
    """

    number: int
    name: str
    above: str
    datasets: int
    bytes: int
    gone: int
    bytes_gone: int
    share: float
    saving_per_month: float


def topic_lines(data: ReportData) -> tuple[TopicLine, ...]:
    """The topics by what is saved in them, then by bytes."""
    of: dict[int, list[DatasetRow]] = defaultdict(list)
    for row in data.rows:
        if row.topic is not None:
            of[row.topic].append(row)
    lines = [_line(number, data.topics[number], found) for number, found in of.items()]
    return tuple(sorted(lines, key=lambda line: (-line.saving_per_month, -line.bytes, line.number)))


def _line(number: int, called: TopicName, rows: Sequence[DatasetRow]) -> TopicLine:
    size, gone = sum(row.bytes for row in rows), [row for row in rows if row.action in GONE]
    bytes_gone = sum(row.bytes for row in gone)
    return TopicLine(
        number=number,
        name=called.name,
        above=called.above,
        datasets=len(rows),
        bytes=size,
        gone=len(gone),
        bytes_gone=bytes_gone,
        share=100.0 * bytes_gone / size if size else 0.0,
        saving_per_month=sum(row.saving_per_month for row in rows),
    )
