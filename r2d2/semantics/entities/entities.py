"""What is grouped: datasets, contracted, and column concepts; columns of one signature are one concept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from r2d2.model.comments import column_comments, table_comment
from r2d2.model.dataset import Dataset, LeafPath
from r2d2.model.usage import Usage
from r2d2.semantics.base_relations import Kind, Relations
from r2d2.semantics.entities.contraction import contracted
from r2d2.semantics.entities.patterns import pattern_of
from r2d2.semantics.entities.vocabulary import Vocabulary
from r2d2.semantics.entities.words import prefix_of, table_name, words_of
from r2d2.semantics.tree import Ints


class Concept(NamedTuple):
    """Columns that are the same by their signature.

    Attributes:
        words: of the name, expanded.
        spelled: the same as the names have them.
        family: that they are compared as.
        comment: what people wrote about it.
        written: the names that they have, the most frequent first.
        multiplicity: how many columns it stands for.
        pattern: that their values have; from cell values, so it is never told or embedded. Empty where none is known.
    """

    words: tuple[str, ...]
    spelled: tuple[str, ...]
    family: str
    comment: str
    written: tuple[str, ...]
    multiplicity: int
    pattern: str = ""

    @property
    def text(self) -> str:
        """What is embedded: of a comment its words alone."""
        return " ".join((*self.words, *words_of(self.comment)))


@dataclass(frozen=True, eq=False)
class Entities:
    """Datasets to group, each standing for all that are the same, and their column concepts.

    Attributes:
        ids: of each entity, the dataset that represents it.
        members: of each entity, the ids of all its datasets, the representative first.
        names: words of the names of an entity's datasets, expanded, and of comments on these; each once.
        called: those of the names alone. What is called by them may be told where comments may not.
        written: the same as they are written.
        concepts: columns by signature.
        holds: which entity has which concept, shape (entities, concepts), of ones.
        relations: containment, lineage, owner and directory, between entities.
        vocabulary: how names are read in this lake.
    """

    ids: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]
    names: tuple[tuple[str, ...], ...]
    called: tuple[tuple[str, ...], ...]
    written: tuple[tuple[str, ...], ...]
    concepts: tuple[Concept, ...]
    holds: csr_array
    relations: Relations
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def entity_of(self) -> dict[str, int]:
        """The entity of each dataset."""
        return {name: number for number, members in enumerate(self.members) for name in members}


@dataclass(frozen=True)
class Catalog:
    """What is known of a lake's datasets without reading a file of theirs.

    Attributes:
        datasets: all of them.
        contained: (parent, child) of proven pairs.
        duplicates: groups that hold the same rows.
        usages: of datasets; owner and lineage.
        case_sensitive: whether names of columns that differ in case are different names.
        gone: ids of what the plan lets go: another dataset that is the same stands for all, if there is one.
    """

    datasets: Sequence[Dataset]
    contained: Sequence[tuple[str, str]] = ()
    duplicates: Sequence[tuple[str, ...]] = ()
    usages: Sequence[Usage] = ()
    case_sensitive: bool = False
    gone: Collection[str] = frozenset()


def entities_of(catalog: Catalog, glossary: Mapping[str, tuple[str, ...]]) -> Entities:
    """Entities and concepts of a catalog, in the order of the datasets' ids."""
    datasets = sorted(catalog.datasets, key=lambda dataset: dataset.id)
    place = {dataset.id: number for number, dataset in enumerate(datasets)}
    names = [table_name(dataset.id) for dataset in datasets]
    parts = [[part for leaf in dataset.leaves for part in leaf.path] for dataset in datasets]
    vocabulary = Vocabulary(list(zip(names, parts, strict=True)), glossary)
    columns = _Columns(vocabulary)
    holds = [columns.of(dataset) for dataset in datasets]
    words = [_once(vocabulary.meant(vocabulary.written(name))) for name in names]
    about = [_once(vocabulary.meant(vocabulary.written(table_comment(one.properties)))) for one in datasets]
    schemas = [frozenset(columns.text_of[concept] for concept in found) for found in holds]
    contained = [(place[a], place[b]) for a, b in catalog.contained if a in place and b in place]
    same = [*_duplicates(catalog.duplicates, place), *_copies(contained, schemas)]
    group = contracted(schemas, list(map(frozenset, words)), same)
    members = _members(group, datasets, contained, catalog.gone)
    return Entities(
        ids=tuple(datasets[found[0]].id for found in members),
        members=tuple(tuple(datasets[number].id for number in found) for found in members),
        names=tuple(_once(word for n in found for word in (*words[n], *about[n])) for found in members),
        called=tuple(_once(word for number in found for word in words[number]) for found in members),
        written=tuple(
            _once(word for number in found for word in vocabulary.written(names[number])) for found in members
        ),
        concepts=columns.concepts(),
        holds=_matrix(members, holds, len(columns.text_of)),
        relations=_relations(group, members, datasets, contained, catalog.usages, place),
        vocabulary=vocabulary,
    )


class _Columns:
    """Columns as they are met, by signature."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.text_of: list[int] = []
        self._vocabulary = vocabulary
        self._texts: dict[str, int] = {}
        self._by_signature: dict[tuple[tuple[str, ...], str, str, str], int] = {}
        self._written: list[Counter[str]] = []
        self._spelled: list[dict[str, None]] = []
        self._by_name: dict[tuple[LeafPath, str, str, str], int] = {}

    def of(self, dataset: Dataset) -> list[int]:
        """The concepts of a dataset's columns, each once."""
        found, comments = [], column_comments(dataset.properties)
        for leaf in dataset.leaves:
            family = leaf.families[0] if leaf.families else ""
            key = leaf.path, family, comments.get(leaf.path, ""), pattern_of(leaf)
            if key not in self._by_name:
                self._by_name[key] = self._signature(*key)
            concept = self._by_name[key]
            self._written[concept][leaf.path[-1]] += 1
            found.append(concept)
        return list(dict.fromkeys(found))

    def _signature(self, path: LeafPath, family: str, comment: str, pattern: str) -> int:
        written = tuple(word for part in path for word in self._vocabulary.written(part))
        words = self._vocabulary.meant(written) or path
        signature = words, family, comment, pattern
        if signature not in self._by_signature:
            self._by_signature[signature] = len(self._written)
            self._written.append(Counter())
            self._spelled.append({})
            self.text_of.append(self._texts.setdefault(" ".join(words), len(self._texts)))
        concept = self._by_signature[signature]
        self._spelled[concept].update(dict.fromkeys(written))
        return concept

    def concepts(self) -> tuple[Concept, ...]:
        """All that were met."""
        return tuple(
            Concept(words, tuple(spelled), family, comment, tuple(dict(names.most_common())), names.total(), pattern)
            for (words, family, comment, pattern), spelled, names in zip(
                self._by_signature, self._spelled, self._written, strict=True
            )
        )


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _duplicates(groups: Iterable[Sequence[str]], place: Mapping[str, int]) -> Iterable[tuple[int, int]]:
    for group in groups:
        known = [place[name] for name in group if name in place]
        yield from ((known[0], other) for other in known[1:])


def _copies(contained: Iterable[tuple[int, int]], schemas: Sequence[frozenset[int]]) -> Iterable[tuple[int, int]]:
    """Proven pairs in which the child has all columns: a snapshot, a slice or a copy."""
    return ((parent, child) for parent, child in contained if schemas[parent] == schemas[child])


def _members(
    group: Ints, datasets: Sequence[Dataset], contained: Iterable[tuple[int, int]], gone: Collection[str]
) -> list[list[int]]:
    """Of each group its datasets, first what stays, none of them holds, and has most rows."""
    found: list[list[int]] = [[] for _ in range(int(group.max(initial=-1)) + 1)]
    held = {child for parent, child in contained if group[parent] == group[child]}
    for number, at in enumerate(group.tolist()):
        found[at].append(number)
    for members in found:
        members.sort(key=lambda at: (datasets[at].id in gone, at in held, -(datasets[at].rows or 0), datasets[at].id))
    return found


def _matrix(members: Sequence[Sequence[int]], holds: Sequence[Sequence[int]], concepts: int) -> csr_array:
    sets = [sorted({concept for number in found for concept in holds[number]}) for found in members]
    starts = np.cumsum([0, *map(len, sets)])
    columns = np.asarray([concept for found in sets for concept in found], np.int32)
    return csr_array((np.ones(len(columns), np.float32), columns, starts), shape=(len(sets), concepts))


def _relations(
    group: Ints,
    members: Sequence[Sequence[int]],
    datasets: Sequence[Dataset],
    contained: Iterable[tuple[int, int]],
    usages: Iterable[Usage],
    place: Mapping[str, int],
) -> Relations:
    """Between the entities; a kind without a direction as a chain, so that a large owner takes no square of pairs."""
    known = [usage for usage in usages if usage.dataset in place]
    owners = {int(group[place[usage.dataset]]): usage.owner for usage in known if usage.owner}
    prefixes = {number: prefix_of(datasets[found[0]].id) for number, found in enumerate(members)}
    feeds = ((place[name], place[usage.dataset]) for usage in known for name in usage.upstream if name in place)
    found = [
        *((int(group[a]), int(group[b]), Kind.CONTAINS) for a, b in contained),
        *((int(group[a]), int(group[b]), Kind.FEEDS) for a, b in feeds),
        *((a, b, Kind.OWNER) for a, b in _chains(owners)),
        *((a, b, Kind.PREFIX) for a, b in _chains(prefixes)),
    ]
    counted = Counter(row for row in found if row[0] != row[1])
    rows = np.asarray([*counted], np.int32).reshape(-1, 3)
    return Relations(rows[:, 0], rows[:, 1], rows[:, 2], np.asarray([*counted.values()], np.float32))


def _chains(values: Mapping[int, str]) -> Iterable[tuple[int, int]]:
    last: dict[str, int] = {}
    for number, value in sorted(values.items()):
        if value and value in last:
            yield last[value], number
        last[value] = number
