"""The graph that is cut into pieces: near neighbours, proven containments, shared concepts."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array

from r2d2.semantics.base_relations import Kind, Relations
from r2d2.semantics.tree import Floats, Ints

#: What a relation adds to a link, beside similarity, which lies between 0 and 2.
_ADDS = {Kind.CONTAINS: 1.0, Kind.FEEDS: 0.25, Kind.SHARES: 0.5}


def graph_of(nodes: int, places: Ints, scores: Floats, relations: Relations) -> csr_array:
    """Symmetric weights, shape (nodes, nodes).

    Args:
        places, scores: neighbours, shape (nodes, k); what is no more alike than chance (0) is no link.
        relations: between nodes; owners and directories are none of similarity.
    """
    rows = np.repeat(np.arange(nodes, dtype=np.int32), places.shape[1])
    near = coo_array((np.maximum(scores.ravel(), 0), (rows, places.ravel())), shape=(nodes, nodes)).tocsr()
    near = near.maximum(near.T)
    adds = np.zeros(len(Kind), np.float32)
    adds[list(_ADDS)] = list(_ADDS.values())
    weights = adds[relations.kind] * np.minimum(relations.weight, 1)
    known = coo_array((weights, (relations.source, relations.target)), shape=(nodes, nodes)).tocsr()
    found = csr_array(near + known + known.T)
    found.setdiag(0)
    found.eliminate_zeros()
    return found
