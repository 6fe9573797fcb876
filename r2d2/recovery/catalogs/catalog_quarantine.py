"""Quarantine of a table that a catalog keeps: it gets another name there, and its bytes stay its own (DELETION 2).

It is never dropped: grants, comments, constraints, tags and properties stay with the entry that is renamed. Of a table
that the catalog manages, the directory goes with the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from r2d2.errors import LakeError, NotRetirable
from r2d2.lake.catalog_names import TableName, database_parts, name_sql
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import Dataset
from r2d2.recovery.context import Recovery
from r2d2.recovery.moves import bring_back as by_moves
from r2d2.recovery.moves import quarantine
from r2d2.recovery.moves.bring_back import Left, remove_own
from r2d2.recovery.moves.listing import exists
from r2d2.recovery.moves.places import CATALOG
from r2d2.recovery.moves.put_away import Kind, Move, PutAway


def table_of(dataset: Dataset, roots: Sequence[str]) -> TableName:
    """The name that a dataset has in a catalog among the roots; empty for none.

    Raises:
        NotRetirable: it has several, which would not all be changed by changing one.
    """
    names = [name for name in (dataset.id, *dataset.names) if name.startswith(CATALOG)]
    if len(names) > 1:
        what = f"it has several names in catalogs: {', '.join(map(shown, names))}"
        raise NotRetirable(what, "leave one of them, and plan again")
    for name in names:
        for root in roots:
            if root.startswith(CATALOG) and name.startswith(f"{root}/"):
                return (*database_parts(root.removeprefix(CATALOG)), name[len(root) + 1 :])
        raise NotRetirable(f"{shown(name)} is in no catalog among the roots", "give its database as a root once")
    return ()


def put_away(recovery: Recovery, away: PutAway) -> PutAway:
    """Puts a dataset away as its kind says; what was done, for the journal.

    Raises:
        NotRetirable: something was written meanwhile, or stands in the way. What was done is left for ``bring_back``.
        LakeError: its catalog can't be asked; likewise.
        OSError: a step failed; likewise.
    """
    if away.kind is not Kind.CATALOG:
        quarantine.put_away(recovery.lake, away)
        return away
    quarantine.refuse_changed(away)
    table, *names = away.table
    done = replace(away, table=(table, recovery.catalogs.rename(table, names)))
    done = replace(done, moves=_moves(recovery, done))
    quarantine.leave_note(recovery.lake, done)
    quarantine.refuse_changed(done, moved=True)
    if recovery.catalogs.location(table) is not None:
        raise NotRetirable(f"{shown(name_sql(table))} was made anew while it was retired", "try again")
    if done.view:
        recovery.catalogs.make_view(table, done.view, done.table[1])
    return done


def bring_back(recovery: Recovery, away: PutAway) -> tuple[Left, ...]:
    """Undoes ``put_away``, as far as it came; what has its old name, or lies at its old path, stays.

    Returns:
        What could not go back.

    Raises:
        NotRetirable, LakeError, OSError: a step failed; the same call goes on from there.
    """
    if away.kind is not Kind.CATALOG:
        return by_moves.bring_back(recovery.lake, away)
    table, *names = away.table
    if away.view:
        for name in names:
            recovery.catalogs.drop_view(table, name)
    places = {name: recovery.catalogs.location(name) for name in (table, *names)}
    there = next((name for name in names if places[name] is not None), None)
    if there is not None:
        in_the_way = places[there] != away.location and exists(away.location)
        if places[table] is not None or in_the_way:
            return (Left(name_sql(there), away.location if in_the_way else name_sql(table)),)
        recovery.catalogs.rename(there, [table])
    elif places[table] is None:
        known = ", ".join(shown(name_sql(name)) for name in (table, *names))
        raise LakeError(f"its catalog has no table of these names: {known}", "give it one of them again")
    remove_own(recovery.lake, away.note, away.note_text)
    return ()


def _moves(recovery: Recovery, away: PutAway) -> tuple[Move, ...]:
    """Where the catalog took the directory of a table with its new name."""
    location = (recovery.catalogs.location(away.table[1]) or away.location).rstrip("/")
    return () if location == away.location else (Move(away.location, location, directory=True),)
