"""Who holds all rows of whom: walks over the proven containments, from child to parent.

Edges come as groups of exact duplicates and a transitive reduction. The ancestors of a dataset are found by walking up
from it, one weakly connected component at a time; the closure of the lake is never held.

**Views.** A text dataset can be compared under several family vectors (EXACTNESS 4): the text ``1`` equals the string
'1' and the number 1, which do not equal each other. A walk therefore carries the view under which the child's rows are
in the dataset it stands at, and leaves a text dataset only under the view it entered by. Where the view is not known,
the walk stops: fewer recipes, never a wrong one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from r2d2.model import Dataset, Edge
from r2d2.model.dataset import TEXT_FORMATS
from r2d2.model.family import narrowest_common
from r2d2.model.names import fold

#: Leaf, as names are compared → family.
View = Mapping[tuple[str, ...], str]


@dataclass(frozen=True)
class Node:
    """A group of duplicates, or one dataset by itself.

    Attributes:
        members: in order of preference.
        view: what the members were compared as; None where that can't be told.
        plain: no member is text, so that there is one view only.
        edges: those that end at a member.
    """

    members: tuple[str, ...]
    view: View | None
    plain: bool
    edges: list[Edge] = field(default_factory=list)


#: A place on a walk: a whole node, or (None, id) for one member whose duplicates hold its rows under another view.
Place = tuple[int | None, str]


class Containment:
    """The proven containments of a lake, walked from child to parent.

    Args:
        datasets: the usable ones, in order of preference.
        reduction: proven edges between them.
        groups: exact duplicates among them. A text dataset in two groups (as two views) counts in the first only.
    """

    def __init__(self, datasets: Sequence[Dataset], reduction: Iterable[Edge], groups: Iterable[Sequence[str]]) -> None:
        self._datasets = {d.id: d for d in datasets}
        self._text = {d.id for d in datasets if _is_text(d)}
        self._nodes: list[Node] = []
        self._node_of: dict[str, int] = {}
        edges = list(reduction)
        rank = {d.id: position for position, d in enumerate(datasets)}
        for ranks in sorted(sorted({rank[m] for m in group if m in rank}) for group in groups):
            self._add_node([m for m in (datasets[r].id for r in ranks) if m not in self._node_of])
        for dataset in datasets:
            self._add_node([dataset.id] if dataset.id not in self._node_of else [])
        self._take_views(edges)
        self._bound: set[int] = set()
        for edge in edges:
            self._nodes[self._node_of[edge.child]].edges.append(edge)
            self._bound |= {self._node_of[x] for x in (edge.parent, edge.child) if not self._fits(edge, x)}

        for node in self._nodes:  # lest their order tells which parents are the nearest
            node.edges.sort(key=lambda edge: (edge.parent, edge.child))

    def components(self) -> list[list[str]]:
        """Weakly connected components, members and components in order of preference."""
        root = list(range(len(self._nodes)))

        def find(node: int) -> int:
            while root[node] != node:
                root[node] = root[root[node]]
                node = root[node]
            return node

        for node in self._nodes:
            for edge in node.edges:
                root[find(self._node_of[edge.child])] = find(self._node_of[edge.parent])
        members: dict[int, list[str]] = defaultdict(list)
        for name in self._datasets:
            members[find(self._node_of[name])].append(name)
        return list(members.values())

    def group(self, place: Place) -> Sequence[str]:
        """The datasets at a place of a walk."""
        return [place[1]] if place[0] is None else self._nodes[place[0]].members

    def home(self, name: str) -> int:
        """The node of a dataset."""
        return self._node_of[name]

    def plain_nodes(self, names: Sequence[str]) -> list[int] | None:
        """The nodes of a component; None where views matter in it, so that only walks tell who holds whose rows."""
        nodes = list(dict.fromkeys(self._node_of[name] for name in names))
        return nodes if all(self._nodes[node].plain for node in nodes) else None

    def node_parents(self, node: int) -> list[int]:
        """Nodes that hold the rows of a node directly, itself left out."""
        found = dict.fromkeys(self._node_of[edge.parent] for edge in self._nodes[node].edges)
        return [parent for parent in found if parent != node]

    def interchangeable(self, node: int) -> bool:
        """Whether all members have the same ancestors and descendants, themselves apart, under every view."""
        return node not in self._bound

    def holders(self, name: str, limit: int) -> list[Place]:
        """Places whose datasets hold all rows of ``name``, nearest first, at most ``limit``; its own may be one."""
        found: dict[Place, None] = {}
        for start, view in self._starts(name):
            self._walk(start, view, name, found, limit)
        return list(found)

    def shares_walk(self, name: str) -> bool:
        """Whether ``holders`` is the same for each member of the dataset's node."""
        return name not in self._text or self.interchangeable(self._node_of[name])

    def _add_node(self, members: Sequence[str]) -> None:
        if members:
            datasets = [self._datasets[m] for m in members]
            plain = not self._text.intersection(members)
            self._node_of |= dict.fromkeys(members, len(self._nodes))
            self._nodes.append(Node(tuple(members), _common_view(datasets, plain), plain))

    def _take_views(self, edges: Sequence[Edge]) -> None:
        """Groups are compared as the edges between their members say, where there are any and they agree."""
        told: dict[int, list[View | None]] = defaultdict(list)
        for edge in edges:
            home = self._node_of[edge.child]
            if edge.equal and home == self._node_of[edge.parent] and not self._nodes[home].plain:
                told[home].append(self._view(edge))
        for index, views in told.items():
            unanimous = views[0] if all(view == views[0] for view in views) else None
            self._nodes[index] = replace(self._nodes[index], view=unanimous)

    def _fits(self, edge: Edge, end: str) -> bool:
        """Whether the edge holds for every member of the node at this end of it."""
        node = self._nodes[self._node_of[end]]
        return node.plain or _agrees(node.view, self._view(edge))

    def _view(self, edge: Edge) -> View | None:
        """What the child of an edge was compared as; None where neither the edge nor the child's leaves tell."""
        if edge.projection:
            return _spelled_alike(edge.projection)
        return None if edge.child in self._text else _typed_view(self._datasets[edge.child])

    def _starts(self, name: str) -> list[tuple[Place, View | None]]:
        """Where walks from ``name`` begin: with its group under the group's view, and by itself under each other."""
        index = self._node_of[name]
        node = self._nodes[index]
        starts: list[tuple[Place, View | None]] = []
        if node.plain or len(node.members) > 1:
            starts.append(((index, node.members[0]), node.view))
        if name in self._text:
            views: list[View | None] = []
            for view in (self._view(edge) for edge in node.edges if edge.child == name):
                if view not in views and (view is None or view != node.view):
                    views.append(view)
            starts += [((None, name), view) for view in views]
        return starts

    def _walk(self, start: Place, view: View | None, name: str, found: dict[Place, None], limit: int) -> None:
        seen = {start}
        queue = [start]
        for place in queue:
            if len(found) >= limit:
                return
            if place != (None, name):
                found[place] = None
            for edge in self._nodes[self._node_of[place[1]]].edges:
                if self._passes(edge, place, view, start):
                    following = self._arrive(edge.parent, view)
                    if following not in seen:
                        seen.add(following)
                        queue.append(following)

    def _passes(self, edge: Edge, place: Place, view: View | None, start: Place) -> bool:
        """Whether what is in the place under ``view`` is in the edge's parent, too."""
        if place[0] is None and edge.child != place[1]:
            return False
        if edge.child not in self._text:
            return True
        own = self._view(edge)
        return _agrees(own, view) or (place == start and place[0] is None and own == view)

    def _arrive(self, name: str, view: View | None) -> Place:
        index = self._node_of[name]
        node = self._nodes[index]
        if len(node.members) == 1 or node.plain or _agrees(node.view, view):
            return index, node.members[0]
        return None, name


def _is_text(dataset: Dataset) -> bool:
    """Whether the dataset may have several views. One whose leaves are not known is taken as such."""
    return dataset.has_views or (not dataset.leaves and dataset.format in TEXT_FORMATS)


def _key(path: Sequence[str]) -> tuple[str, ...]:
    return fold(tuple(path))


def _spelled_alike(leaves: Iterable[tuple[Sequence[str], str]]) -> View:
    """Leaves by name without case. Two that differ in case alone and in family agree with nothing."""
    view: dict[tuple[str, ...], str] = {}
    for path, family in leaves:
        key = _key(path)
        view[key] = family if view.get(key, family) == family else ""
    return view


def _typed_view(dataset: Dataset) -> View:
    return _spelled_alike((leaf.path, leaf.families[0]) for leaf in dataset.leaves if leaf.families)


def _common_view(datasets: Sequence[Dataset], plain: bool) -> View | None:
    """What duplicates are compared as: each leaf under the narrowest family that all members admit."""
    if plain:
        return _typed_view(datasets[0])
    if len(datasets) == 1:
        return None
    admitted: dict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    for dataset in datasets:
        for leaf in dataset.leaves:
            admitted[_key(leaf.path)].append(leaf.families)
    view: dict[tuple[str, ...], str] = {}
    for key, families in admitted.items():
        common = set(families[0]).intersection(*families[1:])
        family = narrowest_common(common, common)
        if family is None or len(families) != len(datasets):
            return None
        view[key] = family
    return view or None


def _agrees(outer: View | None, inner: View | None) -> bool:
    """Whether ``outer`` compares every leaf of ``inner`` as the same family. Unknown views agree with nothing."""
    return outer is not None and inner is not None and all(outer.get(k) == f != "" for k, f in inner.items())
