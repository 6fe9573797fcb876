"""The schema graph builder of the R2D2 paper (Shah et al., SIGMOD 2024, arXiv 2312.13427, section 4.1), as a rival.

Schemas are sorted by size, largest first. Each is compared with the centres of all clusters, joins each cluster whose
centre contains it, and becomes the centre of a new cluster if there is none. Then all pairs within each cluster are
compared. The comparisons are made as fast as we can: with the centres by a signature of 64 bits before the sets, within
a cluster by bits for the tokens of its centre, many pairs at once.

Where containment is transitive the clusters miss nothing: what contains a schema lies in a cluster whose centre
contains both. With leaves that admit several families (CSV) it is not, and pairs are missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from r2d2.containment.schema_graph import SchemaClass, token_lists
from r2d2.containment.schema_index import Bits, Ints, TokenLists, spans

#: Pairs of a cluster that are compared in one go.
BLOCK = 2**18


def paper_pairs(classes: Sequence[SchemaClass]) -> Ints:
    """The pairs that it finds, sorted, each as parent * number of classes + child. A class of several holds itself."""
    asked, admitted, tokens = token_lists(classes)
    order = np.argsort(-np.diff(asked.starts), kind="stable")
    asked, admitted = _taken(asked, order), _taken(admitted, order)
    own = np.array([i * (len(classes) + 1) for i, entry in enumerate(classes) if len(entry.members) > 1], np.int64)
    found = [own]
    place = np.full(tokens, -1)
    for cluster in clusters(asked, admitted):
        for parents, children in _inside(asked, admitted, cluster, place):
            found.append(order[parents] * len(classes) + order[children])
    pairs = np.concatenate(found)
    pairs.sort()  # np.unique hashes, which takes 10 times as long
    return pairs[np.diff(pairs, prepend=-1) > 0]


def clusters(asked: TokenLists, admitted: TokenLists) -> list[Ints]:
    """The members of each cluster, largest first, so that its centre comes first. The lists come largest first."""
    wanted, held = _sets(asked), _sets(admitted)
    signatures = _signatures(wanted)
    absent_of = ~_signatures(held)
    members: dict[int, list[int]] = {}
    centres, absent = np.empty(len(asked), np.int64), np.empty(len(asked), np.uint64)
    for child, tokens in enumerate(wanted):
        count = len(members)
        left = centres[:count][(absent[:count] & signatures[child]) == 0]
        containing = [centre for centre in left.tolist() if tokens <= held[centre]]
        for centre in containing:
            members[centre].append(child)
        if not containing:
            members[child] = [child]
            centres[count], absent[count] = child, absent_of[child]
    return [np.array(cluster) for cluster in members.values()]


def _inside(asked: TokenLists, admitted: TokenLists, cluster: Ints, place: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Every pair of (parent, child) in a cluster; a schema can be contained only in those as large or larger.

    ``place`` has room for each token, all -1, and is left so.
    """
    centre = admitted.tokens[admitted.starts[cluster[0]] : admitted.starts[cluster[0] + 1]]
    place[centre] = np.arange(len(centre))
    wanted, absent = _bits(asked, cluster, place, len(centre)), ~_bits(admitted, cluster, place, len(centre))
    place[centre] = -1
    sizes = -np.diff(asked.starts)[cluster]
    ahead = np.searchsorted(sizes, sizes, side="right")
    start = 0
    while start < len(cluster):
        end = min(len(cluster), start + max(1, BLOCK // len(cluster)))
        missing = np.zeros((end - start, int(ahead[end - 1])), np.uint64)
        for word, other in zip(wanted, absent, strict=True):
            missing |= word[start:end, None] & other[: missing.shape[1]]
        child, parent = np.nonzero(missing == 0)
        others = child + start != parent
        yield cluster[parent[others]], cluster[child[others] + start]
        start = end


def _bits(lists: TokenLists, cluster: Ints, place: Ints, places: int) -> Bits:
    """Words × members: the bits of the tokens that have a place."""
    taken = _taken(lists, cluster)
    member = np.repeat(np.arange(len(cluster)), np.diff(taken.starts))
    at = place[taken.tokens]
    member, at = member[at >= 0], at[at >= 0]
    words = -(-places // 64)
    bits = np.zeros(words * len(cluster), np.uint64)
    np.bitwise_or.at(bits, (at >> 6) * len(cluster) + member, np.uint64(1) << (at & 63).astype(np.uint64))
    return bits.reshape(words, len(cluster))


def _taken(lists: TokenLists, rows: Ints) -> TokenLists:
    counts = np.diff(lists.starts)[rows]
    return TokenLists(np.append(0, np.cumsum(counts)), lists.tokens[spans(lists.starts[rows], counts)])


def _sets(lists: TokenLists) -> list[frozenset[int]]:
    starts, tokens = lists.starts.tolist(), lists.tokens.tolist()
    return [frozenset(tokens[start:end]) for start, end in pairwise(starts)]


def _signatures(sets: Sequence[frozenset[int]]) -> Bits:
    return np.fromiter((_signature(tokens) for tokens in sets), np.uint64, len(sets))


def _signature(tokens: frozenset[int]) -> int:
    signature = 0
    for token in tokens:
        signature |= 1 << (token & 63)
    return signature
