"""Relations in words: few of them as a listing of all, many as one sentence with their numbers. None is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from r2d2.semantics.base_relations import Kind
from r2d2.semantics.relations.lifted import LiftedRelation
from r2d2.units import plural

#: Node → its name: of a topic, or a dataset.
Name = Callable[[int], str]

_OF_PAIR = {
    Kind.CONTAINS: "{0} holds all rows of {1}",
    Kind.FEEDS: "{1} is made from {0}",
    Kind.SHARES: "{0} and {1} have columns in common",
    Kind.OWNER: "{0} and {1} have one owner",
    Kind.PREFIX: "{0} and {1} lie in one directory",
    Kind.ALIKE: "{0} and {1} are alike",
    Kind.BRIDGE: "nothing known relates “{0}” and “{1}”; by meaning they are nearest to each other",
}
_OF_TOPICS = {
    Kind.CONTAINS: "datasets of “{0}” hold all rows of datasets of “{1}”",
    Kind.FEEDS: "datasets of “{1}” are made from datasets of “{0}”",
    Kind.SHARES: "datasets of “{0}” and of “{1}” have columns in common",
    Kind.OWNER: "datasets of “{0}” and of “{1}” have one owner",
    Kind.PREFIX: "datasets of “{0}” and of “{1}” lie in one directory",
    Kind.ALIKE: "datasets of “{0}” and of “{1}” are alike",
}
#: What is told first: proofs and lineage, then what columns and meaning say, then owners and directories.
_FIRST = ((Kind.CONTAINS, Kind.FEEDS), (Kind.SHARES, Kind.ALIKE), (Kind.OWNER, Kind.PREFIX))


@dataclass(frozen=True)
class Told:
    """What is known between two nodes. It holds names from the lake: print it through ``r2d2.visible``.

    Attributes:
        one, other: the nodes, the lower number first.
        count: base relations behind it.
        lines: a sentence, or a line for each base relation.
    """

    one: int
    other: int
    count: int
    lines: tuple[str, ...]


def tell(relations: Iterable[LiftedRelation], name: Name, tau: int) -> Iterator[Told]:
    """What is known between each two nodes; first those with most proofs and lineage.

    Args:
        relations: of two nodes each; with ``tau`` exemplars or more (``lift``).
        name: of nodes and of the entities below them.
        tau: base relations of two nodes above which a sentence is told, else each of them.
    """
    between: dict[tuple[int, int], list[LiftedRelation]] = defaultdict(list)
    for relation in relations:
        between[min(relation.source, relation.target), max(relation.source, relation.target)].append(relation)
    for one, other in sorted(between, key=lambda ends: (_order(between[ends]), ends)):
        found = between[one, other]
        count = sum(relation.count for relation in found)
        lines = (_sentence(found, name),) if count > tau else tuple(_listed(found, name))
        yield Told(one, other, count, lines)


def _order(found: Sequence[LiftedRelation]) -> tuple[int, ...]:
    return tuple(-sum(relation.count for relation in found if relation.kind in kinds) for kinds in _FIRST)


def _listed(found: Iterable[LiftedRelation], name: Name) -> Iterator[str]:
    for relation in found:
        for pair in relation.exemplars or ((relation.source, relation.target),):
            yield _OF_PAIR[relation.kind].format(*map(name, pair))


def _sentence(found: Iterable[LiftedRelation], name: Name) -> str:
    """The numbers of each kind, with the heaviest pair as an example; no bridge is where there is anything else."""
    return "; ".join(
        f"{_OF_TOPICS[relation.kind].format(name(relation.source), name(relation.target))} "
        f"({plural(relation.count, 'pair')}: {_OF_PAIR[relation.kind].format(*map(name, relation.exemplars[0]))}"
        f"{', and so on' if relation.count > 1 else ''})"
        for relation in found
    )
