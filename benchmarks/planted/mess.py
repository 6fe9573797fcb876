"""How messy the names of a catalog are. The figures are set once, after what lakes look like, not after results."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from benchmarks.planted.spelling import CASES, Case, abbreviated, code, initials
from benchmarks.planted.vocabulary import Words

#: Columns that tell nothing: name, kind, share of the tables that have it.
GENERIC = (
    ("id", "n", 0.85), ("created at", "t", 0.7), ("updated at", "t", 0.5), ("status", "s", 0.5), ("name", "s", 0.45),
    ("value", "f", 0.35), ("type", "s", 0.35), ("code", "s", 0.3), ("description", "s", 0.25), ("load date", "d", 0.25),
    ("source", "s", 0.2), ("is active", "b", 0.2), ("date", "d", 0.2), ("batch id", "n", 0.15), ("etl ts", "t", 0.15),
    ("comment", "s", 0.15), ("version", "n", 0.1), ("key", "s", 0.1), ("flag", "b", 0.1), ("uuid", "s", 0.1),
    ("notes", "s", 0.1), ("row hash", "s", 0.08), ("deleted", "b", 0.08), ("tenant", "s", 0.08), ("label", "s", 0.08),
    ("year", "n", 0.08), ("created by", "s", 0.08), ("timestamp", "t", 0.08), ("seq", "n", 0.05), ("title", "s", 0.05),
)  # fmt: skip

NAMELESS = ("data", "export", "part-0", "table1", "tmp", "output", "result", "dump", "sheet1", "extract", "file",
             "dataset", "new table", "untitled", "query result", "test", "final", "all", "full load", "main",
             "misc")  # fmt: skip
GERMAN_NAMELESS = ("daten", "export", "tabelle1", "tmp", "ausgabe", "ergebnis", "auszug", "datei",
                   "abzug", "unbenannt", "auswertung", "test", "final", "alles", "gesamt",
                   "haupt", "sonstiges", "neue tabelle")  # fmt: skip
#: The same in a lake whose people speak German.
GERMAN_GENERIC = (
    ("id", "n", 0.85), ("erstellt am", "t", 0.6), ("geaendert am", "t", 0.5), ("status", "s", 0.5), ("name", "s", 0.3),
    ("bezeichnung", "s", 0.3), ("wert", "f", 0.3), ("typ", "s", 0.35), ("schluessel", "s", 0.25), ("text", "s", 0.2),
    ("beschreibung", "s", 0.25), ("lade datum", "d", 0.25), ("quelle", "s", 0.2), ("aktiv", "b", 0.2),
    ("mandant", "s", 0.2), ("datum", "d", 0.2), ("lauf id", "n", 0.15), ("bemerkung", "s", 0.15), ("version", "n", 0.1),
    ("kennzeichen", "b", 0.1), ("uuid", "s", 0.1), ("notiz", "s", 0.1), ("geloescht", "b", 0.08), ("jahr", "n", 0.08),
    ("erstellt von", "s", 0.08),
    ("created at", "t", 0.2), ("updated at", "t", 0.15), ("lfd nr", "n", 0.1),
)  # fmt: skip

_BEFORE = ("stg", "dwh", "f", "v", "raw", "dim", "fct", "tmp", "src", "ods", "dm", "blu", "ops", "acme", "bi", "core")
_AFTER = ("export", "final", "copy", "backup", "old", "new", "tbl", "hist", "daily", "full", "delta", "bak", "snapshot")
_WRAPPERS = ("payload", "data", "body", "record", "attributes")


@dataclass(frozen=True)
class Mess:
    """Shares of what is drawn for each table or column.

    Attributes:
        nameless: tables whose name says nothing.
        short: tables whose words are shortened, and the share of their words that are.
        opaque: columns with a name that nobody can read, in tables whose words are shortened (half in others).
        clipped: columns of several words that lack one.
        before, after: table names with a prefix; with a version, a date or a word like final.
        lettered: tables whose columns all begin with the same letters.
        nested: tables whose columns lie in a struct.
        strangers: tables with a column of another subject.
        cases: how likely each of ``CASES`` is.
        generic: columns that tell nothing.
        empty_names: of tables whose name says nothing.
    """

    nameless: float = 0.3
    short: float = 0.5
    short_words: float = 0.6
    opaque: float = 0.16
    clipped: float = 0.12
    before: float = 0.45
    after: float = 0.45
    lettered: float = 0.12
    nested: float = 0.08
    strangers: float = 0.3
    cases: tuple[float, ...] = (50, 12, 16, 8, 8, 6)
    generic: tuple[tuple[str, str, float], ...] = GENERIC
    empty_names: tuple[str, ...] = NAMELESS


@dataclass(frozen=True)
class Style:
    """How one table is spelled."""

    mess: Mess
    case: Case
    short: str
    letters: str
    wrapper: str

    @classmethod
    def drawn(cls, mess: Mess, random: Random) -> Style:
        """For a new table."""
        short = random.choice(("vowels", "cut", "both")) if random.random() < mess.short else "none"
        letters = random.choice(("c", "f", "col", "x", "t", "fld", "z")) if random.random() < mess.lettered else ""
        wrapper = random.choice(_WRAPPERS) if random.random() < mess.nested else ""
        return cls(mess, random.choices(CASES, mess.cases)[0], short, letters, wrapper)

    def hides(self, random: Random) -> bool:
        """Whether the next column gets a name that nobody can read."""
        return random.random() < (self.mess.opaque if self.short != "none" else self.mess.opaque / 2)

    def column(self, words: Words, random: Random) -> str:
        """The name of a column that can be read."""
        if len(words) > 1 and random.random() < self.mess.clipped:
            left = random.randrange(len(words))
            words = words[:left] + words[left + 1 :]
        return self.cased(abbreviated(words, self.short, self.mess.short_words, random))

    def unreadable(self, words: Words, random: Random) -> str:
        """The name of a column as a code, a number or initials."""
        drawn = (code(words), f"attr{random.randrange(60)}", initials(words) + str(random.randrange(1, 9)))
        return self.cased(random.choices(drawn, (40, 30, 30)))

    def cased(self, words: list[str]) -> str:
        """Words put together, the table's letters before them."""
        return self.case([self.letters, *words] if self.letters else words)

    def table(self, words: Words, random: Random) -> str:
        """The name of a table, with what people put around it."""
        if random.random() < self.mess.nameless:
            words = tuple(random.choice(self.mess.empty_names).split())
        found = abbreviated(words, self.short, self.mess.short_words, random)
        if random.random() < self.mess.before:
            found.insert(0, random.choice(_BEFORE))
        return self.case(found) + (mark(random) if random.random() < self.mess.after else "")


def mark(random: Random) -> str:
    """What tells one copy of a table from another: a version, a date, a word."""
    year, month, day = random.randrange(2015, 2026), random.randrange(1, 13), random.randrange(1, 29)
    return random.choice(
        (
            f"_v{random.randrange(1, 9)}",
            f"_{year}{month:02}{day:02}",
            f"_{year}",
            f"-{year}-{month:02}",
            f"_{random.choice(_AFTER)}",
            f"_{random.choice(_AFTER)}",
            f" ({random.randrange(1, 4)})",
            f"_{random.choice(_AFTER)}_{year}",
        )
    )
