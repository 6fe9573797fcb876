"""Where the nodes and links of a containment graph are drawn: in layers, each parent above its children."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import networkx as nx

NODE_WIDTH = 139
NODE_HEIGHT = 36
_CELL = NODE_WIDTH + 12  # a node and the gap beside it
_ACROSS = 8  # nodes in one row at least; a wider layer is folded into several rows
_LAYER_GAP = 52
_FOLD_GAP = 14
_COMPONENT_GAP = 40
_MARGIN = 8
_ASPECT = 2.3  # width over height of the drawing
_SHELVES = (*range(1, 13), *(round(1.3**power) for power in range(10, 28)))  # numbers of shelves that are tried

_Graph = Any  # networkx.DiGraph; its stubs ask for a node type that condensation does not keep


@dataclass(frozen=True)
class PlacedNode:
    """Datasets that hold the same rows, drawn as one box with its upper left corner at (x, y), in one frame."""

    members: tuple[str, ...]
    x: float
    y: float
    frame: int


@dataclass(frozen=True)
class PlacedLink:
    """A containment between two nodes, by their index."""

    parent: int
    child: int


@dataclass(frozen=True)
class Frame:
    """Where a component of the graph is drawn; ``boxes`` are its nodes."""

    x: float
    y: float
    width: float
    height: float
    boxes: int


@dataclass(frozen=True)
class GraphLayout:
    """Everything that is drawn; ``hidden`` counts the datasets of the graph that are not, to stay readable."""

    nodes: tuple[PlacedNode, ...]
    links: tuple[PlacedLink, ...]
    frames: tuple[Frame, ...]
    width: float
    height: float
    hidden: int


def lay_out(
    edges: Iterable[tuple[str, str]], groups: Iterable[Sequence[str]], weight: Mapping[str, float], limit: int
) -> GraphLayout:
    """Places the containment graph.

    Args:
        edges: (parent, child).
        groups: exact duplicates; each becomes one node, and so do datasets that contain each other.
        weight: size of each dataset (bytes): the heaviest components come first, and are kept where ``limit`` bites.
        limit: nodes that are drawn at most.
    """
    graph = _contracted(edges, groups)
    names: dict[Hashable, str] = {node: min(graph.nodes[node]["members"]) for node in graph}
    size = {node: sum(weight.get(m, 0.0) for m in graph.nodes[node]["members"]) for node in graph}
    components = _heaviest_first(graph, size, names)
    boxes = [_place(graph.subgraph(chosen), size, names) for chosen in _within(graph, components, size, names, limit)]
    return _on_shelves(graph, boxes)


@dataclass(frozen=True)
class _Box:
    """One component with positions relative to its own corner."""

    at: Mapping[Hashable, tuple[float, float]]
    width: float
    height: float


def _contracted(edges: Iterable[tuple[str, str]], groups: Iterable[Sequence[str]]) -> _Graph:
    graph: _Graph = nx.DiGraph()
    graph.add_edges_from((parent, child) for parent, child in edges if parent != child)
    taken: set[str] = set()
    for group in groups:
        # A text dataset can equal two that do not equal each other (EXACTNESS 4): it joins its first group only.
        fresh = [member for member in group if member not in taken]
        taken.update(fresh)
        graph.add_nodes_from(fresh)
        graph.add_edges_from(pairwise([*fresh, fresh[0]] if fresh else []))
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    return nx.condensation(graph)


def _heaviest_first(
    graph: _Graph, size: Mapping[Hashable, float], names: Mapping[Hashable, str]
) -> list[set[Hashable]]:
    """Components by what they hold beside their largest node: roughly what could be saved there."""

    def redundant(component: set[Hashable]) -> tuple[float, str]:
        sizes = [size[node] for node in component]
        return max(sizes) - sum(sizes), min(names[node] for node in component)

    return sorted(nx.weakly_connected_components(graph), key=redundant)


def _within(
    graph: _Graph,
    components: Iterable[set[Hashable]],
    size: Mapping[Hashable, float],
    names: Mapping[Hashable, str],
    limit: int,
) -> Iterable[list[Hashable]]:
    """Whole components while they fit; of the first that does not, its upper layers and the largest nodes in them."""
    left = limit
    for component in components:
        layers = nx.topological_generations(graph.subgraph(component))
        ordered = [node for layer in layers for node in sorted(layer, key=lambda n: (-size[n], names[n]))]
        if left > 0:
            yield ordered[:left]
        left -= len(ordered)


def _place(graph: _Graph, size: Mapping[Hashable, float], names: Mapping[Hashable, str]) -> _Box:
    layers = [sorted(g, key=lambda n: (-size[n], names[n])) for g in nx.topological_generations(graph)]
    _untangle(graph, layers)
    across = max(_ACROSS, round(math.sqrt(_ASPECT * len(graph) * NODE_HEIGHT / NODE_WIDTH * 2)))
    rows = [(row, first) for layer in layers for row, first in _folded(layer, across)]
    width = max(len(row) for row, _ in rows) * _CELL
    at: dict[Hashable, tuple[float, float]] = {}
    y = 0.0
    for row, first_of_layer in rows:
        if at:
            y += NODE_HEIGHT + (_LAYER_GAP if first_of_layer else _FOLD_GAP)
        left = (width - len(row) * _CELL) / 2
        at.update({node: (left + column * _CELL, y) for column, node in enumerate(row)})
    return _Box(at, width, y + NODE_HEIGHT)


def _untangle(graph: _Graph, layers: list[list[Hashable]]) -> None:
    """Orders each layer by the mean place of its neighbours (barycentre), down, up and down again."""
    place = {node: (index + 0.5) / len(layer) for layer in layers for index, node in enumerate(layer)}
    for sweep, neighbours in enumerate((graph.predecessors, graph.successors, graph.predecessors)):
        for layer in reversed(layers) if sweep == 1 else layers:
            means = {node: _mean([place[n] for n in neighbours(node)], place[node]) for node in layer}
            layer.sort(key=means.__getitem__)
            place.update({node: (index + 0.5) / len(layer) for index, node in enumerate(layer)})


def _mean(values: Sequence[float], default: float) -> float:
    return math.fsum(values) / len(values) if values else default


def _folded(layer: Sequence[Hashable], most: int) -> Iterable[tuple[Sequence[Hashable], bool]]:
    folds = -(-len(layer) // most)
    across = -(-len(layer) // folds)
    for start in range(0, len(layer), across):
        yield layer[start : start + across], start == 0


def _on_shelves(graph: _Graph, boxes: Sequence[_Box]) -> GraphLayout:
    """Components side by side while they fit the width, then below; as wide as shows the whole at the largest size."""
    widest, together = max((box.width for box in boxes), default=0.0), sum(box.width + _COMPONENT_GAP for box in boxes)
    widths = [max(widest, together / shelves) for shelves in _SHELVES if shelves <= max(1, len(boxes))]
    places, frames = max((_shelved(boxes, wide) for wide in widths), key=lambda found: _shown_at(found[1]))
    at: dict[Hashable, tuple[float, float]] = {}
    frame_of: dict[Hashable, int] = {}
    for number, (box, (x, y)) in enumerate(zip(boxes, places, strict=True)):
        at.update({node: (_MARGIN + x + dx, _MARGIN + y + dy) for node, (dx, dy) in box.at.items()})
        frame_of.update(dict.fromkeys(box.at, number))
    index = {node: number for number, node in enumerate(at)}
    nodes = tuple(PlacedNode(tuple(sorted(graph.nodes[n]["members"])), *at[n], frame_of[n]) for n in at)
    links = tuple(PlacedLink(index[p], index[c]) for p, c in graph.edges if p in index and c in index)
    drawn = sum(len(node.members) for node in nodes)
    everything = sum(len(members) for _, members in graph.nodes(data="members"))
    return GraphLayout(nodes, links, tuple(frames), *_extent(frames), everything - drawn)


def _shelved(boxes: Sequence[_Box], wide: float) -> tuple[list[tuple[float, float]], list[Frame]]:
    """Where the boxes are on shelves of a width, and their frames."""
    places, frames = [], []
    x = y = shelf = 0.0
    for box in boxes:
        if x and x + box.width > wide:
            x, y, shelf = 0.0, y + shelf + _COMPONENT_GAP, 0.0
        places.append((x, y))
        frames.append(Frame(x, y, box.width + 2 * _MARGIN, box.height + 2 * _MARGIN, len(box.at)))
        x, shelf = x + box.width + _COMPONENT_GAP, max(shelf, box.height)
    return places, frames


def _extent(frames: Sequence[Frame]) -> tuple[float, float]:
    """Width and height of all."""
    return (
        max((frame.x + frame.width for frame in frames), default=0.0),
        max((frame.y + frame.height for frame in frames), default=0.0),
    )


def _shown_at(frames: Sequence[Frame]) -> float:
    """How large the whole is shown where it is fit into a drawing as wide as ours."""
    width, height = _extent(frames)
    return min(_ASPECT / width, 1 / height) if frames else 0.0
