"""The bars beside the page's figures, as records: how long each is, without markup."""

from __future__ import annotations

from dataclasses import dataclass

from r2d2.model.funnel import Funnel
from r2d2.report.data import ACTIONS, DatasetRow, ReportData
from r2d2.units import percent, plural

_GB = 1e9
MEANINGS = {
    "digest": "Same number of rows and the same digest over every row.",
    "box": "The parent's rows within the bounds of the child, counted and digested, against the child's.",
    "sketch": "The smallest row hashes of both. It proves only where it holds every row; else it can only refute.",
    "join": "Every row of the child looked up among the parent's rows.",
    "values": "Every row of the child looked up among the parent's rows, by its values and not by a hash.",
    "sample": "Rows of the child, drawn at random, looked up in the parent under a few columns. It can only refute.",
    "implied": "Follows from other proven containments: a copy of a part is a part.",
}


@dataclass(frozen=True)
class Step:
    """One step of the funnel; ``share`` is the percentage of the step before that came through."""

    label: str
    value: int
    share: float
    note: str


@dataclass(frozen=True)
class Way:
    """One way of deciding; shares are percentages of the most pairs that one way proved or refuted."""

    how: str
    meaning: str
    proven: int
    refuted: int
    proven_share: float
    refuted_share: float


@dataclass(frozen=True)
class StageBar:
    """One stage; ``share`` is the percentage of the longest stage's time."""

    name: str
    seconds: float
    bytes_read: int
    files_read: int
    share: float


@dataclass(frozen=True)
class SavingsPart:
    """What is kept, retired or outside the plan; shares are percentages of everything.

    Attributes:
        cost: storage cost a month at the configured price.
        saving: what the plan saves a month, net.
    """

    label: str
    action: str
    datasets: int
    bytes: int
    bytes_share: float
    cost: float
    saving: float


@dataclass(frozen=True)
class TopSaving:
    """A dataset to retire; ``share`` is the percentage of the largest saving."""

    row: DatasetRow
    share: float


def funnel_steps(funnel: Funnel) -> tuple[Step, ...]:
    """Pairs from all of them to the proven ones."""
    pairs, fits, left, proven = funnel.pairs, funnel.candidates, funnel.after_minmax, funnel.proven_pairs
    steps = [
        Step("Pairs of datasets", pairs, 100.0 if pairs else 0.0, f"among {plural(funnel.usable, 'usable dataset')}"),
        Step("Schema fits", fits, _part(fits, pairs), f"{percent(fits, pairs)} of the pairs"),
        Step("Left after min-max", left, _part(left, fits), f"{percent(left, fits)} of those"),
        Step("Proven, row by row", proven, _part(proven, left), f"{percent(proven, left)} of those"),
    ]
    return tuple(steps)


def decision_ways(funnel: Funnel) -> tuple[Way, ...]:
    """How pairs were decided, the known ways in their order and any other after them."""
    known = [how for how in MEANINGS if how in funnel.proven or how in funnel.refuted]
    others = sorted((funnel.proven.keys() | funnel.refuted.keys()) - MEANINGS.keys())
    most = max([*funnel.proven.values(), *funnel.refuted.values()], default=0)
    return tuple(
        Way(
            how=how,
            meaning=MEANINGS.get(how, ""),
            proven=funnel.proven.get(how, 0),
            refuted=funnel.refuted.get(how, 0),
            proven_share=_part(funnel.proven.get(how, 0), most),
            refuted_share=_part(funnel.refuted.get(how, 0), most),
        )
        for how in (*known, *others)
    )


def stage_bars(funnel: Funnel) -> tuple[StageBar, ...]:
    """The stages in the order they ran."""
    longest = max((stage.seconds for stage in funnel.stages), default=0.0)
    return tuple(
        StageBar(s.name, s.seconds, s.bytes_read, s.files_read, _part(s.seconds, longest)) for s in funnel.stages
    )


def savings_parts(data: ReportData) -> tuple[SavingsPart, ...]:
    """Bytes and money by what is planned; what is neither kept nor retired only where there is any."""
    total = sum(row.bytes for row in data.rows)
    parts = [_savings_part(data, label, action, total) for action, label in ACTIONS.items()]
    return tuple(part for part in parts if part.datasets or part.action in ("keep", "retire"))


def top_savings(data: ReportData, most: int = 10) -> tuple[TopSaving, ...]:
    """The datasets to retire first: what saves most of what is not to stay by decision."""
    rows = data.to_retire[:most]
    largest = max((row.saving_per_month for row in rows), default=0.0)
    return tuple(TopSaving(row, _part(row.saving_per_month, largest)) for row in rows)


def css_class(action: str) -> str:
    """What an action is called in the style sheet."""
    return action.replace(" ", "-")


def _savings_part(data: ReportData, label: str, action: str, total: int) -> SavingsPart:
    rows = data.with_action(action)
    size = sum(row.bytes for row in rows)
    return SavingsPart(
        label=label,
        action=css_class(action),
        datasets=len(rows),
        bytes=size,
        bytes_share=_part(size, total),
        cost=size / _GB * data.storage_price,
        saving=sum(row.saving_per_month for row in rows),
    )


def _part(part: float, whole: float) -> float:
    """``part`` as a percentage of ``whole``, within 0 and 100, for the length of a bar."""
    return round(max(0.0, min(100.0, 100 * part / whole)), 2) if whole else 0.0
