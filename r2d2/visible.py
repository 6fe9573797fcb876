"""Names and texts from the lake made safe to look at: nothing invisible, nothing that reorders the line, no secrets."""

from __future__ import annotations

import re
import shlex
from urllib.parse import urlsplit, urlunsplit

#: Letters by Unicode's book that show as nothing.
_BLANK_LETTERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u2800\u3164\ufe00-\ufe0e\uffa0]")
_LAST_STEP = re.compile(r"^(?P<name>[^=\s]+)=\S*")
_MASK = "•••"


def visible(text: str) -> str:
    """``text`` with each control, bidi, zero-width, unusual space or undecodable character spelled out.

    >>> visible("a\\u202eb\\n")
    'a‹U+202E›b‹U+000A›'
    """
    if text.isprintable() and not _BLANK_LETTERS.search(text):
        return text
    return "".join(_spelled(c) for c in text)


def shortened(text: str, limit: int = 120) -> str:
    """``text`` with its middle left out where it is longer than ``limit``; both ends tell datasets apart."""
    if len(text) <= limit:
        return text
    tail = limit // 2
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"


def shell_word(text: str) -> str:
    """``text`` as one word for bash that can be copied from a page: nothing in it is invisible.

    >>> shell_word("it's"), shell_word("a\\nb")
    ('\\'it\\'"\\'"\\'s\\'', "$'a\\\\x0ab'")
    """
    if visible(text) == text:
        return shlex.quote(text)
    return "$'" + "".join(_escaped(c) for c in text) + "'"


def masked_partitions(path: str) -> str:
    """A path or sentence with the values of its hive partition directories masked.

    >>> masked_partitions("sales/country=DE/part-0.parquet")
    'sales/country=•••/part-0.parquet'
    """
    first, *rest = path.split("/")
    if not rest:
        return path
    *middle, last = (first, *rest)
    return "/".join((*map(_masked_step, middle), _LAST_STEP.sub(rf"\g<name>={_MASK}", last)))


def masked_id(dataset: str) -> str:
    """A dataset's id, and nothing else, with the values of its partitions masked, whatever letters they have.

    >>> masked_id("sales/city=New York, NY/orders"), masked_id("day=1")
    ('sales/city=•••/orders', 'day=•••')
    """
    return "/".join(map(_masked_step, dataset.split("/")))


def public_url(root: str) -> str:
    """A lake root without user name, password, query and fragment, which can carry credentials."""
    if "://" not in root:
        return root
    try:
        parts = urlsplit(root)
    except ValueError:
        return root.partition("://")[0] + "://" + _MASK
    host = parts.netloc.rpartition("@")[2]
    container = parts.netloc.rpartition("@")[0]
    if parts.scheme in ("abfs", "abfss", "wasb", "wasbs") and container and ":" not in container:
        host = parts.netloc  # container@account is a place, no credential
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _masked_step(step: str) -> str:
    name, equals, _ = step.partition("=")
    return f"{name}={_MASK}" if equals else step


def _spelled(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not UTF-8 (surrogateescape)
        return f"‹byte {code - 0xDC00:02X}›"
    if character.isprintable() and not _BLANK_LETTERS.match(character):
        return character
    return f"‹U+{code:04X}›"


def _escaped(character: str) -> str:
    if character in "'\\":
        return "\\" + character
    if visible(character) == character:
        return character
    escape = "surrogateescape" if 0xDC80 <= ord(character) <= 0xDCFF else "surrogatepass"
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", escape))
