"""Values of settings: as text from flags and the environment, or as TOML has them."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from r2d2.errors import UsageError
from r2d2.quantities import SIZE_HINT, TIME_HINT, seconds_of, size_of

_NEXT_PROPERTY = re.compile(r",(?=\s*[A-Za-z][\w.-]*=|\s*spark\.)")


def properties_of(value: object) -> Mapping[str, str]:
    """Spark properties: a table, or ``NAME=VALUE,NAME=VALUE`` as text; values may hold commas and equals signs.

    Raises:
        ValueError, TypeError: it is neither.

    >>> dict(properties_of("spark.jars.packages=a:b:1,c:d:2,spark.driver.extraJavaOptions=-Dx=y"))
    {'spark.jars.packages': 'a:b:1,c:d:2', 'spark.driver.extraJavaOptions': '-Dx=y'}
    """
    if isinstance(value, str):
        parts = [part.partition("=") for part in re.split(_NEXT_PROPERTY, value) if part.strip()]
        if not all(name.strip() and separator for name, separator, _ in parts):
            raise ValueError(value)
        value = {name.strip(): text.strip() for name, _, text in parts}
    if not isinstance(value, Mapping):
        raise TypeError(value)
    spelled = {True: "true", False: "false"}
    flat = dict(_dotted(value))
    return MappingProxyType({name: spelled[v] if isinstance(v, bool) else str(v) for name, v in flat.items()})


def _dotted(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """What is in a table of TOML, in which ``a.b = 1`` without quotes is a table ``a`` with ``b``."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


#: Settings that are read in their own way: with units, as ``r2d2.quantities`` has them, or as names and values.
Size = Annotated[int, size_of]
Seconds = Annotated[float, seconds_of]
Properties = Annotated[Mapping[str, str], properties_of]


def coerce(value: Any, kind: Any, where: str) -> Any:
    """``value`` as ``kind``; text, as it comes from flags and environment, is parsed, other types must fit."""
    origin = typing.get_origin(kind)
    try:
        if origin is types.UnionType:
            return None if str(value).lower() in ("", "none") else coerce(value, typing.get_args(kind)[0], where)
        if origin is Annotated:
            return kind.__metadata__[0](value)
        if kind is bool:
            return _boolean(value)
        if origin is Literal and value in typing.get_args(kind):
            return value
        if kind in (int, float, str) and not isinstance(value, bool | list | dict):
            if kind is int and isinstance(value, float) and not value.is_integer():
                raise ValueError(value)
            return kind(value)
        if origin is tuple and isinstance(value, list):
            return tuple(str(v) for v in value)
        if origin is tuple and isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return _mapping(value, typing.get_args(kind)[1])
    except (ValueError, TypeError) as error:
        raise _misspelled(value, kind, where) from error
    raise _misspelled(value, kind, where)


def _misspelled(value: Any, kind: Any, where: str) -> UsageError:
    known = {
        Size: ("a size", SIZE_HINT),
        Seconds: ("a time", TIME_HINT),
        Properties: ("a table of NAME = VALUE", "for example spark.executor.memory=2g,spark.speculation=true"),
    }
    what, hint = known.get(kind, (_spelled(kind), ""))
    return UsageError(f"{where}: {value!r} is not {what}", hint)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "yes", "1"):
        return True
    if str(value).lower() in ("false", "no", "0"):
        return False
    raise ValueError(value)


def _mapping(value: Any, kind: type) -> Mapping[str, Any]:
    """A table from TOML, or ``pattern=value,pattern=value`` as text."""
    if isinstance(value, str):
        pairs = [part.rpartition("=") for part in value.split(",") if part.strip()]
        if not all(separator for _, separator, _ in pairs):
            raise ValueError(value)
        value = {name.strip(): text for name, _, text in pairs}
    return MappingProxyType({name: kind(v) for name, v in _dotted(dict(value))})


def _spelled(kind: Any) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    if typing.get_origin(kind) is Literal:
        return f"one of {', '.join(typing.get_args(kind))}"
    return words.get(kind, "a list of texts" if typing.get_origin(kind) is tuple else "a table of PATTERN = VALUE")
