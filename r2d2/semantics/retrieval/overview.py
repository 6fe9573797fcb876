"""The topics of a virtual tree and what relates them, in lines."""

from __future__ import annotations

from dataclasses import dataclass

from r2d2.semantics.relations.telling import tell
from r2d2.semantics.retrieval.index import Index
from r2d2.semantics.retrieval.virtual_tree import VirtualTree
from r2d2.units import count, plural
from r2d2.visible import masked_id, shortened, visible

#: Datasets of a relation that are told of each side have names of no more letters.
_LETTERS = 80


@dataclass(frozen=True)
class TopicLine:
    """A topic that an answer lies in.

    Attributes:
        name: visible; as its level has it once.
        datasets: under it.
        held: of these, those whose rows another dataset holds.
        inside: the names of topics above it that are told, too; empty for none.
    """

    name: str
    datasets: int
    held: int
    inside: str = ""

    @property
    def text(self) -> str:
        """For people and models."""
        held = f", {count(self.held)} of them held by others" if self.held else ""
        return f"{self.name}: {plural(self.datasets, 'dataset')}{held}" + (f"; in {self.inside}" if self.inside else "")


def overview(
    index: Index, found: VirtualTree, tau: int, values: bool = True
) -> tuple[tuple[TopicLine, ...], tuple[str, ...]]:
    """The aggregates of a virtual tree, those with most anchors first; and what relates its nodes, a line each.

    Args:
        values: whether ids tell values of partitions.
    """
    nodes = [node for node in found.nodes if node in index.topics]
    lines = tuple(_line(index, node, nodes) for node in nodes)
    told = tell(found.relations, lambda node: _name(index, node, values), tau)
    return lines, tuple(visible(line) for one in told for line in one.lines)


def _line(index: Index, node: int, told: list[int]) -> TopicLine:
    topic = index.topics[node]
    above = next((index.topics[other].name for other in index.tree.path(node)[1:] if other in told), "")
    return TopicLine(visible(topic.name), topic.facts.datasets, topic.facts.held, visible(above))


def _name(index: Index, node: int, values: bool) -> str:
    if node >= index.tree.leaves:
        return index.topics[node].name
    name = index.entities.ids[node]
    return shortened(name if values else masked_id(name), _LETTERS)
