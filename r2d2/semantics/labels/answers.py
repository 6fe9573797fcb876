"""What a language model may say: fields that were asked for, plain text of a bounded length, ids that it was given."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from r2d2.errors import EndpointError
from r2d2.visible import visible

_THOUGHTS_END = "</think>"
_EMPHASIS = re.compile(r"\*\*|`")
#: Tags, entities, links and images: what a page or a terminal could make more of than text.
_MARKUP = re.compile(r"<[a-z/!?]|&#|&\w+;|\]\(|://|\bwww\.|\b(?:javascript|data|mailto|file):\S", re.IGNORECASE)


@dataclass(frozen=True)
class Text:
    """A field of text.

    Attributes:
        about: what it is, for the model.
        most: letters; a longer one is refused.
    """

    about: str
    most: int


@dataclass(frozen=True)
class Some:
    """A field that names some of what was given.

    Attributes:
        about: what it is, for the model.
        of: what may be named; all else is dropped.
    """

    about: str
    of: tuple[str, ...]


#: Name → what it holds; all of them are asked for.
Fields = Mapping[str, Text | Some]


@dataclass(frozen=True)
class Answer:
    """Checked: ``texts`` are visible, without markup, never empty; ``chosen`` were given, each once."""

    texts: Mapping[str, str]
    chosen: Mapping[str, tuple[str, ...]]


def json_schema(fields: Fields) -> dict[str, Any]:
    """The fields as a JSON schema; lengths stand in words, as some servers refuse them."""
    properties: dict[str, Any] = {}
    for name, field in fields.items():
        if isinstance(field, Text):
            properties[name] = {"type": "string", "description": field.about}
        else:
            one = {"type": "string", "enum": list(field.of)}
            properties[name] = {"type": "array", "items": one, "description": field.about}
    return {"type": "object", "properties": properties, "required": list(fields), "additionalProperties": False}


def answer_of(content: str, fields: Fields) -> Answer:
    """What a model wrote, checked; fields that nobody asked for are dropped.

    Raises:
        EndpointError: it is no such object, or holds what it may not.
    """
    found = _object(content)
    texts: dict[str, str] = {}
    chosen: dict[str, tuple[str, ...]] = {}
    for name, field in fields.items():
        value = found.get(name)
        if isinstance(field, Text):
            texts[name] = _text(value, field.most)
        else:
            chosen[name] = _chosen(value, field)
    return Answer(texts, chosen)


def _object(content: str) -> dict[str, Any]:
    """The JSON object in a text: some models think aloud before it, or put it between fences."""
    text = content.rpartition(_THOUGHTS_END)[2]  # some servers leave out how they begin
    try:
        found = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except (ValueError, RecursionError) as error:
        raise EndpointError("the answer is not JSON") from error
    if not isinstance(found, dict):
        raise EndpointError("the answer is not JSON")
    return found


def _text(value: object, most: int) -> str:
    if not isinstance(value, str):
        raise EndpointError("the answer lacks what was asked for")
    text = _EMPHASIS.sub("", " ".join(value.split()))
    if not any(letter.isalpha() for letter in text):
        raise EndpointError("the answer lacks what was asked for")
    if len(text) > most:
        raise EndpointError("the answer is too long")
    if visible(text) != text or _MARKUP.search(text):
        raise EndpointError("the answer holds markup, a link or invisible characters")
    return text


def _chosen(value: object, field: Some) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise EndpointError("the answer lacks what was asked for")
    given = set(field.of)
    named = (str(one) for one in value if isinstance(one, str | int))  # ids that are numbers are often given as such
    return tuple(dict.fromkeys(one for one in named if one in given))
