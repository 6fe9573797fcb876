"""Erase: a person's rows go from all that is retired, and the keys from all that is kept (DELETION 4).

It is done after the person's rows were deleted in the lake's own datasets. The keys lie in the state until all is done,
so that what a crash cuts short is gone on with; the journal holds their SHA-256 only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from r2d2.errors import R2D2Error, Tampered
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.layout import Reader, leaf_columns
from r2d2.model.dataset import Dataset, LeafPath
from r2d2.model.receipt import RETIRED, Receipt, Status
from r2d2.model.recipe import Manifest, Recipe
from r2d2.recovery.apply import Outcome
from r2d2.recovery.context import Recovery
from r2d2.recovery.erase.child import described, manifest_of_rest, recipe_of_rest, recipe_tells
from r2d2.recovery.erase.files import file_tells
from r2d2.recovery.erase.journal import erase_from_journal
from r2d2.recovery.erase.keys import Keys
from r2d2.recovery.erase.leftovers import remove_leftovers
from r2d2.recovery.erase.match import matching
from r2d2.recovery.erase.purged import holds_people, rebuilt_rest
from r2d2.recovery.erase.quarantine import ERASING, STALE, take_out
from r2d2.recovery.erase.state import erase_from_state
from r2d2.recovery.erase.words import Words
from r2d2.recovery.guard.kept_again import put_again
from r2d2.recovery.moves.bring_back import remove_own
from r2d2.recovery.moves.listing import exists
from r2d2.recovery.moves.placing import write_log
from r2d2.recovery.moves.put_away import Kind, PutAway
from r2d2.recovery.moves.quarantine import seen_now
from r2d2.recovery.moves.quarantined import quarantined_dataset
from r2d2.recovery.parents.rebinding import adopt
from r2d2.recovery.recipes import recipe_store
from r2d2.recovery.records.receipts import BEGUN, ENDED, unfinished_erasure
from r2d2.recovery.restore import restore
from r2d2.recovery.undo import release

#: Beside the tables while it is going on.
_KEYS = "erasing.csv"
_WHY = "rows were erased"
_DELETE_THERE = "restore it, delete the rows there, and retire it again"


def erase(recovery: Recovery, keys: Keys) -> Iterator[Outcome]:
    """Takes people's rows out of all retired datasets, and their keys out of the state.

    Yields:
        an outcome for each retired dataset that had any; not done where it had to be left alone, and why.

    Raises:
        StateError: something was begun earlier and is not finished; the state can't be written.
        OSError, R2D2Error: a step failed half way; ``r2d2 recover`` goes on from there.
    """
    recovery.require_finished()
    recovery.state.write_file(_KEYS, keys.to_csv(), private=True)
    recovery.journal.append(BEGUN, keys_sha256=keys.sha256, people=len(keys.people))
    yield from go_on(recovery)


def go_on(recovery: Recovery) -> Iterator[Outcome]:
    """The steps of an erasure that was begun; can be done again from wherever they ended."""
    keys = _kept_keys(recovery)
    if keys is not None:
        words = Words(keys)
        for receipt in list(recovery.receipts.values()):
            yield from _one(recovery, receipt, words)
        for receipt in erase_from_journal(recovery, words):
            what = "a key is the name of a file or directory of it, or its own, and stays in the journal and its recipe"
            yield Outcome(receipt.dataset, False, what, _DELETE_THERE, receipt.id)
        in_force = {receipt.recipe for receipt in recovery.receipts.values() if receipt.status in RETIRED}
        erase_from_state(recovery.state, words, in_force)
        remove_keys(recovery)
    recovery.journal.append(ENDED)


def remove_keys(recovery: Recovery) -> None:
    """Removes the keys: those of an erasure that is done, or that was never begun, and what a crash left of them."""
    remove_leftovers(recovery)
    with suppress(FileNotFoundError):
        recovery.state.lock.fence()
        recovery.state.storage.delete(joined(recovery.state.location, _KEYS))


def _kept_keys(recovery: Recovery) -> Keys | None:
    """The keys of the erasure that was begun; None if only the record of its end is missing.

    Raises:
        Tampered: they are not those that it was begun with.
    """
    place = joined(recovery.state.location, _KEYS)
    try:
        data = recovery.state.storage.read_bytes(place)
    except FileNotFoundError:
        return None
    keys = Keys.from_csv(data, place)
    if keys.sha256 != unfinished_erasure(recovery.journal.records):
        raise Tampered(f"{place} is not what was written", "remove it, `r2d2 recover`, and erase again")
    return keys


def _one(recovery: Recovery, receipt: Receipt, words: Words) -> Iterator[Outcome]:
    """What became of one dataset; nothing where nothing of anybody was in it."""
    found: list[Outcome | None] = []
    try:
        if receipt.status is Status.UNDONE:
            found = [_left(receipt, words)]
        elif receipt.status in RETIRED:
            found = [_retired(recovery, receipt, words), _untold(recovery, recovery.receipts[receipt.id], words)]
    except R2D2Error as error:
        if recovery.receipts[receipt.id].facts.get(ERASING):
            raise
        found = [Outcome(receipt.dataset, False, str(error), error.hint, receipt.id)]
    yield from (outcome for outcome in found if outcome)


def _left(receipt: Receipt, words: Words) -> Outcome | None:
    """What an undone retirement could not give back lies in quarantine, and is nobody's to change."""
    for path in receipt.facts.get("left", ()):
        if exists(path) and file_tells(path, words):
            what = f"{shown(path)} could not go back when its retirement was undone, and holds a key"
            return Outcome(receipt.dataset, False, what, "move it to where it belongs, or remove it", receipt.id)
    return None


def _retired(recovery: Recovery, receipt: Receipt, words: Words) -> Outcome | None:
    if receipt.facts.get(STALE) and not receipt.facts["child"]["files"]:
        return _forgotten(recovery, receipt)
    recipe = recipe_store.load(recovery.state, receipt)
    tells = recipe_tells(recipe, words)
    known = tells or receipt.facts.get(STALE) or words.keys.may_hold(_columns(recipe.manifest))
    if not known and not _has_other_files(receipt):
        return None
    if receipt.status is Status.QUARANTINED:
        had = take_out(recovery, receipt, recipe.manifest, words)
        receipt = recovery.receipts[receipt.id]
        if not (had or tells or receipt.facts.get(STALE)):
            return None
        return _renewed(recovery, receipt, recipe, quarantined_dataset(receipt), words)
    if not tells and not holds_people(recovery, recipe, words):
        return None
    with rebuilt_rest(recovery, receipt, recipe, words) as rest:
        return _renewed(recovery, receipt, recipe, rest, words)


def _has_other_files(receipt: Receipt) -> bool:
    """Whether files in quarantine may tell of people whom its columns don't: older versions, what lies beside data."""
    if receipt.status is not Status.QUARANTINED:
        return False
    away = PutAway.from_facts(receipt.facts["away"])
    return away.kind is not Kind.CATALOG and len(away.seen) > len(receipt.facts["child"]["files"])


def _columns(manifest: Manifest) -> set[LeafPath]:
    """Paths of all columns of a dataset."""
    paths = {leaf.path for text in manifest.readers if text for leaf in leaf_columns(Reader.from_json(text))}
    return paths | {(name,) for name in manifest.partition_columns}


def _untold(recovery: Recovery, receipt: Receipt, words: Words) -> Outcome | None:
    """A dataset that lacks columns by which people are named may have their rows, and nobody can tell."""
    if receipt.status not in RETIRED:
        return None
    recipe = recipe_store.load(recovery.state, receipt)
    partly = words.keys.within(_columns(recipe.manifest))
    if partly is None:
        return None
    dataset = quarantined_dataset(receipt) if receipt.status is Status.QUARANTINED else recipe.parent.as_dataset()
    if not matching(dataset, partly, recovery.settings.containment, recovery.run):
        return None
    what = "it lacks columns by which people are named, and may have their rows: some match in the columns that it has"
    hint = "if those tell people, name them by those alone, and erase again"
    return Outcome(receipt.dataset, False, what, hint, receipt.id)


def _renewed(recovery: Recovery, receipt: Receipt, recipe: Recipe, rest: Dataset, words: Words) -> Outcome:
    """A recipe for what is left comes into force; where there is none, the dataset comes back without the rows."""
    if not rest.files:
        return _forgotten(recovery, receipt)
    rest = described(recovery, rest, recipe)
    others = _others(receipt, rest) if receipt.status is Status.QUARANTINED else ()
    looked, manifest = manifest_of_rest(recovery, rest, recipe.manifest, others)
    found = recipe_of_rest(recovery, receipt, recipe, (rest, looked, manifest), words)
    if found:
        adopt(recovery, receipt, found, _WHY, stale=False)
        return Outcome(receipt.dataset, True, "rows were erased from it", "", receipt.id)
    if receipt.status is Status.PURGED:
        if manifest.format == "delta":
            write_log(manifest, [file.name for file in manifest.files], rest.location)
        put_again(recovery, receipt, manifest, rest.location, stale=True)
    restore(recovery, recovery.receipts[receipt.id])
    what = "rows were erased from it; what is left is not in its parent any more, and was restored"
    return Outcome(receipt.dataset, True, what, "", receipt.id)


def _others(receipt: Receipt, rest: Dataset) -> tuple[str, ...]:
    """Names of the files beside the data in quarantine."""
    own, base = {file.path for file in rest.files}, len(rest.location) + 1
    there = (file.path for file in seen_now(PutAway.from_facts(receipt.facts["away"]), moved=True))
    return tuple(path[base:] for path in there if path not in own and path.startswith(f"{rest.location}/"))


def _forgotten(recovery: Recovery, receipt: Receipt) -> Outcome:
    """All of its rows were people's: nothing of it is kept."""
    away = PutAway.from_facts(receipt.facts["away"])
    if receipt.status is Status.QUARANTINED:
        for file in away.seen:
            recovery.lake.delete(away.moved(file.path))
        if away.fence:
            recovery.lake.delete(away.moved(away.fence))
    remove_own(recovery.lake, away.note, away.note_text)
    release(recovery, receipt)
    recovery.journal.append("erased-whole", receipt.id)
    return Outcome(receipt.dataset, True, "all of its rows were erased: nothing of it is kept", "", receipt.id)
