"""dbt's ``manifest.json``: models write tables and depend on others, exposures and models depend on them, owners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from r2d2.usage.draft import Lineage
from r2d2.usage.sources import Faults, files, name_of, whole_json

SETTING = "dbt_manifest"
SOURCE = "dbt"
#: What dbt runs; sources are only read by it. An ephemeral model is part of the queries of others.
_WRITES = frozenset({"model", "seed", "snapshot"})
_LOCATIONS = ("location", "external_location", "location_root")


def dbt_manifests(entries: Sequence[str], lineage: Lineage) -> Faults:
    """Reads the files; gives what is wrong with them."""
    faults = Faults(SETTING)
    for path in files(entries, faults):
        manifest = whole_json(path, faults)
        if manifest is None:
            continue
        if "nodes" not in manifest or "metadata" not in manifest:
            faults.file(path, "it is no manifest.json of dbt: it has no nodes or no metadata")
            continue
        _Manifest(manifest, lineage).read()
    return faults


class _Manifest:
    """One manifest, whose nodes are found by their unique ids."""

    def __init__(self, manifest: Mapping[str, Any], lineage: Lineage) -> None:
        self.manifest, self.lineage = manifest, lineage
        self.nodes = {name: node for part in ("nodes", "sources") for name, node in self._items(part)}
        self.datasets = {
            name: lineage.find(SOURCE, *_names(node)) for name, node in self.nodes.items() if _has_rows(node)
        }

    def _items(self, part: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield from ((name_of(name), node) for name, node in _mapping(self.manifest, part).items() if _is_map(node))

    def read(self) -> None:
        """Puts everything into the lineage."""
        for name, node in self.nodes.items():
            self._node(name, node)
        for name, exposure in self._items("exposures"):
            for upstream in self._upstream(exposure):
                self.lineage.consumed(
                    self.datasets.get(upstream), name_of(exposure.get("name")) or name, "exposure", SOURCE
                )
        for disabled in _mapping(self.manifest, "disabled").values():
            for node in filter(_is_map, disabled if isinstance(disabled, list) else [disabled]):
                if _has_rows(node) and node.get("resource_type") in _WRITES:
                    job = name_of(node.get("unique_id")) or name_of(node.get("name"))
                    self.lineage.produced(self.lineage.find(SOURCE, *_names(node)), job, SOURCE, live=False)

    def _node(self, name: str, node: Mapping[str, Any]) -> None:
        dataset = self.datasets.get(name)
        if node.get("resource_type") in _WRITES:
            if dataset is not None:
                self.lineage.produced(dataset, name, SOURCE, live=_config(node).get("enabled") is not False)
            for upstream in self._upstream(node):
                self.lineage.consumed(self.datasets.get(upstream), name, "model", SOURCE)
                self.lineage.made_from(dataset, self.datasets.get(upstream))
        if dataset is not None:
            draft = self.lineage.drafts[dataset]
            draft.owned(self._owner(node), SOURCE)
            tags = node.get("tags")
            draft.tags |= {name_of(tag) for tag in (tags if isinstance(tags, list) else [tags]) if name_of(tag)}

    def _upstream(self, node: Mapping[str, Any]) -> Iterator[str]:
        """What a node depends on; through ephemeral models, which are no tables, to what these depend on."""
        pending, seen = list(_depends_on(node)), set[str]()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self.datasets:
                yield name
            elif name in self.nodes:
                pending += _depends_on(self.nodes[name])

    def _owner(self, node: Mapping[str, Any]) -> str:
        """The owner in a node's ``meta``, else that of its group."""
        for meta in (_mapping(node, "meta"), _mapping(_config(node), "meta")):
            owner = meta.get("owner")
            if found := name_of(owner) or (_owner_name(owner) if isinstance(owner, Mapping) else ""):
                return found
        group = node.get("group") or _config(node).get("group")
        named = (each for _, each in self._items("groups") if group and each.get("name") == group)
        return next((_owner_name(_mapping(each, "owner")) for each in named), "")


def _has_rows(node: Mapping[str, Any]) -> bool:
    if node.get("resource_type") == "source":
        return True
    return node.get("resource_type") in _WRITES and _config(node).get("materialized") != "ephemeral"


def _names(node: Mapping[str, Any]) -> list[str]:
    """Where a node's rows may be: its locations first, which say more than a name."""
    places = [node, _config(node), _mapping(node, "meta"), _mapping(_config(node), "meta"), _mapping(node, "external")]
    names = [name_of(place.get(key)) for place in places for key in _LOCATIONS[:2]]
    root, alias = name_of(_config(node).get(_LOCATIONS[2])), name_of(node.get("alias"))
    names += [f"{root.rstrip('/')}/{alias}"] if root and alias else []
    names.append(name_of(node.get("relation_name")))
    parts = [name_of(node.get(key)) for key in ("database", "schema")] + [alias or name_of(node.get("identifier"))]
    if all(parts[1:]):
        names.append(".".join(part for part in parts if part))
    return [name for name in names if name]


def _depends_on(node: Mapping[str, Any]) -> list[str]:
    nodes = _mapping(node, "depends_on").get("nodes")
    return [name_of(name) for name in nodes] if isinstance(nodes, list) else []


def _owner_name(owner: Mapping[str, Any]) -> str:
    return name_of(owner.get("name")) or name_of(owner.get("email"))


def _config(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(node, "config")


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = content.get(key)
    return found if isinstance(found, Mapping) else {}


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)
