"""What JSON lists hold, over all records, in few words: enough to tell which nested families they can be compared as.

A typed dataset asks for a family (``list<struct<a:number>>``); a shape says whether all values convert to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from r2d2.lake.json_nested import scalar_families
from r2d2.model.family import STRING, is_nested, taken_apart
from r2d2.model.names import fold_name

#: Keys of the objects at one place; with more the keys are data, and the place admits no nested family.
MOST_KEYS = 2000
_TEXT_ONLY = frozenset({STRING})


@dataclass
class Shape:
    """What stands at one place.

    Attributes:
        scalars: the families to which all scalars convert that are not null; None where there are none.
        items: what stands in lists; None where there are no lists.
        keys: what stands in objects by key; None where there are no objects.
        crowded: the objects have more keys than ``MOST_KEYS``.
    """

    scalars: frozenset[str] | None = None
    items: Shape | None = None
    keys: dict[str, Shape] | None = None
    crowded: bool = False

    def note(self, value: Any) -> None:
        """Takes in a parsed value."""
        if value is None:
            return
        if isinstance(value, list):
            self.items = self.items or Shape()
            for item in value:
                self.items.note(item)
        elif isinstance(value, dict):
            self._note_object(value)
        elif not (self.scalars == _TEXT_ONLY and type(value) is str):  # nothing narrower is left to lose
            found = scalar_families(value)
            self.scalars = found if self.scalars is None else self.scalars & found

    def _note_object(self, value: dict[str, Any]) -> None:
        self.keys = {} if self.keys is None else self.keys
        for key, item in value.items():
            if key not in self.keys:
                self.crowded = self.crowded or len(self.keys) >= MOST_KEYS
                if self.crowded:
                    continue
                self.keys[key] = Shape()
            self.keys[key].note(item)

    def admits(self, family: str) -> bool:
        """Whether every value that was noted converts to the family."""
        if not is_nested(family):
            return self.items is None and self.keys is None and (self.scalars is None or family in self.scalars)
        if self.scalars is not None or self.crowded:
            return False
        parts = taken_apart(family)
        if parts.kind == "list":
            return self.keys is None and (self.items is None or self.items.admits(parts.inner[0]))
        if self.items is not None or self.keys is None:
            return self.items is None
        if parts.kind == "map":
            key, item = parts.inner
            return key == STRING and all(shape.admits(item) for shape in self.keys.values())
        fields = dict(zip(parts.names, parts.inner, strict=True))
        folded = [fold_name(name) for name in self.keys]
        return (
            len(set(folded)) == len(folded)
            and set(folded) <= fields.keys()
            and all(shape.admits(fields[fold_name(name)]) for name, shape in self.keys.items())
        )

    def merged(self, other: Shape) -> Shape:
        """What stands at the place in two files together."""
        scalars = self.scalars if other.scalars is None else other.scalars
        if self.scalars is not None and other.scalars is not None:
            scalars = self.scalars & other.scalars
        keys = None
        if self.keys is not None or other.keys is not None:
            mine, theirs = self.keys or {}, other.keys or {}
            names = dict.fromkeys([*mine, *theirs])
            keys = {name: mine.get(name, Shape()).merged(theirs.get(name, Shape())) for name in names}
        items = self.items if other.items is None else other.items.merged(self.items or Shape())
        return Shape(scalars, items, keys, self.crowded or other.crowded)

    def to_json(self) -> str:
        """The shape as text."""
        return json.dumps(_packed(self), separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Shape:
        """The reverse of ``to_json``."""
        return _unpacked(json.loads(text))


def _packed(shape: Shape) -> list[Any]:
    scalars = None if shape.scalars is None else sorted(shape.scalars)
    keys = None if shape.keys is None else {name: _packed(inner) for name, inner in shape.keys.items()}
    return [scalars, None if shape.items is None else _packed(shape.items), keys, shape.crowded]


def _unpacked(raw: list[Any]) -> Shape:
    scalars, items, keys, crowded = raw
    return Shape(
        None if scalars is None else frozenset(scalars),
        None if items is None else _unpacked(items),
        None if keys is None else {name: _unpacked(inner) for name, inner in keys.items()},
        crowded,
    )
