"""The commands that change a lake, and those that decide on it or tell of it: parse, call, print."""

from __future__ import annotations

from argparse import ArgumentParser as Parser
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from r2d2 import flags
from r2d2.errors import UsageError
from r2d2.flags import Commands, command, read_settings
from r2d2.model.receipt import Acceptance
from r2d2.progress import Progress

if TYPE_CHECKING:
    from r2d2.commands.recovering import Command

_REVIEW = """what a decision may accept besides (--accept, repeatable):
  unprotected-parent  purge it though its parent may lose the rows between two looks of the guard: files on disk, say
  merely-equal        retire it though what comes back is equal by value and not the same bit for bit
  history-lost        purge it though a table's older versions do not come back

examples:
  r2d2 review list --state /data/r2d2
  r2d2 review approve exports/orders.csv --by ana --note "a copy for a demo" --state /data/r2d2
  r2d2 review approve --all --by ana --note "cleared with the owners" --accept history-lost --state /data/r2d2
  r2d2 review reject archive/2019 --by ben --note "the auditors read it in June" --state /data/r2d2
Nothing is touched by a review: `r2d2 apply` retires what was approved, as it was when it was approved. The newest
decision on a dataset counts. It stands when its parent is appended to; it lapses for good, and the question is asked
again, when the dataset changes, was retired and given back, another parent is planned, the parent does not hold its
rows any more, a rebuild would take or cost 20% more (recovery.approval_rise), or after 90 days
(recovery.approval_days). What is rejected after it was retired is not purged."""

_APPLY = """for each dataset that was approved:
  1. it must be what the plan saw, and share no file with another dataset
  2. claims are put beside it and its parent, so that no other r2d2 retires the parent
  3. a recipe is found, the dataset is rebuilt from it into a scratch place, and compared with the original bit by bit
  4. it goes into quarantine: on disk it is moved to .r2d2 of its root; in a store it is marked and stays where it is; a
     Delta table is fenced, so that no reader opens it and no append is lost
A small file stays at its old path, which says what happened and how it comes back. What is wrong with one dataset ends
nothing: it is left as it was, the reason is given, and the exit code is 9.

examples:
  r2d2 apply --dry-run --state /data/r2d2
  r2d2 apply 7 --only 'exports/**' --yes --state /data/r2d2"""

_RESTORE = """From quarantine it comes back at once, the same files. After a purge it is rebuilt from its recipe, and
put in place only if it is the same as what was retired. Where only its files are written otherwise, by a newer version
of a library, and its rows are equal, that can be accepted. A path that is in use again is never written over: give
--to PATH, below a root of the lake, for a copy there.

examples:
  r2d2 restore exports/orders.csv --state /data/r2d2
  r2d2 restore exports/orders.csv --to /data/lake/tmp/orders.csv --state /data/r2d2"""

_PURGE = """A dataset is purged only if all of this holds; else it stays in quarantine, and the exit code is 9:
  - its grace period is over (--older-than, or the setting retention.grace_days)
  - a rebuild from its recipe, made now, is the same as what is in quarantine, read now
  - its parent can't lose the rows between two looks of the guard, or that was accepted (r2d2 review --help)
  - nothing would be lost that no recipe gives back: a change feed, a rule on history
  - nobody tried to read it since it was retired, as the logs of [usage] settings tell

examples:
  r2d2 purge --dry-run --state /data/r2d2
  r2d2 purge --older-than 14d --yes --state /data/r2d2"""

_GUARD = """Run it as often as retention.guard_checks says: it costs little where nothing changed. It sees and does:
  parent appended to       its recipe stays bound to the files that it was made for, and is carried over before they go
  parent compacted         its recipe is carried over
  files gone, VACUUM near  the dataset is given back now, where no new recipe is found
  no longer protected      what was purged is rebuilt into quarantine: a retention was shortened, say
  rows deleted in parent   nothing comes back by itself: it is not purged, and a person is asked; after
                           recovery.honour_days without an answer the deletion is honoured
Claims and recipes that were changed are made whole again from their second copy. A table shows what is not simply
good. The exit code is 9 if a person should see to something.

examples:
  r2d2 guard --state /data/r2d2
  r2d2 guard --decide honour sales/2023 --by ana --state /data/r2d2"""

_RECOVER = """A command that was killed leaves a record of what it was about to do. What can be finished is finished,
the rest is undone: no row is lost, and the lake is as before or as planned. It needs no Java and can be run again.

example:
  r2d2 recover --yes --state /data/r2d2"""

_ERASE = """Once a person's rows were deleted in the lake's own datasets, this takes them out of what is retired:
files in quarantine are written anew without them, recipes are made anew, a Delta table loses its history. The keys go
from the state and its older versions: bounds, predicates, witnesses, sketches, notes, the report; the journal keeps
digests. Old versions of objects that a bucket keeps are not removed: let them expire.

FILE is a CSV. Its first line names columns (user.id is the field id of user), each further one is a person; a row is
theirs if all cells that are given match. A dataset that can't be written without these rows is left alone and named,
and the exit code is 9. `r2d2 recover` goes on with what was cut short.

example:
  printf 'user.id,email\\n4711,\\n,ann@example.com\\n' > keys.csv
  r2d2 erase --keys keys.csv --yes --state /data/r2d2"""

_HISTORY = """Each plan that decided otherwise than the one before, each review, and each record of the journal, whose
hashes and MACs are checked. Reasons may name a file, and with it a partition.

examples:
  r2d2 history exports/orders.csv --state /data/r2d2
  r2d2 history exports/orders.csv --export orders-audit.json --state /data/r2d2"""


def add(commands: Commands) -> None:
    """Adds these commands to the others."""
    state, settings = flags.turn(), flags.settings()
    table_or_json = flags.output_format("table", "json", "csv")
    yes, dry, only = flags.yes(), flags.dry_run_of_change(), flags.only()
    _add_review(commands)
    text = "retire what a plan proposes and a person approved: into quarantine, once its way back was tried"
    shared = state, only, dry, yes, settings, table_or_json
    apply = command(commands, "apply", text, _apply, *shared)
    apply.add_argument("plan", nargs="?", type=int, metavar="PLAN", help="number of the plan (default: the newest)")
    text = "put a view that reads the kept rows in the place of each table of a catalog, as redirect in a plan does"
    apply.add_argument("--leave-view", action="store_true", help=text)
    text = "who applies it; with recovery.two_people somebody else than who approved"
    apply.add_argument("--by", default="", metavar="NAME", help=text)
    apply.epilog = _APPLY
    text = "give a retired dataset back, the same"
    restore = command(commands, "restore", text, _restore, state, settings, flags.output_format("table", "json"))
    restore.add_argument("dataset", metavar="DATASET", help="its id, or another of its names")
    text = "put a copy there, below a root of the lake; the dataset stays retired"
    restore.add_argument("--to", default="", metavar="PATH", help=text)
    text = "of several retirements the one with this id, or the start of it (default: the newest)"
    restore.add_argument("--as-of", default="", metavar="RECEIPT", help=text)
    text = "put a rebuild in place whose rows are equal, where its files are not what they were"
    restore.add_argument("--accept", default="", choices=[Acceptance.MERELY_EQUAL.value], help=text)
    restore.epilog = _RESTORE
    text = "remove for good what was in quarantine long enough, where its way back is proven and can't be lost"
    purge = command(commands, "purge", text, _purge, *shared)
    text = "time in quarantine, for example 30d (default: retention.grace_days)"
    purge.add_argument("--older-than", type=flags.time, metavar="TIME", help=text)
    purge.epilog = _PURGE
    _add_care(commands)


def _add_care(commands: Commands) -> None:
    """The commands that look after what is retired, and tell of it."""
    state, settings, yes = flags.turn(), flags.settings(), flags.yes()
    table_or_json = flags.output_format("table", "json", "csv")
    text = "look whether all that is retired can still be given back; what is about to be lost comes back"
    guard = command(commands, "guard", text, _guard, state, settings, table_or_json)
    guard.add_argument("dataset", nargs="?", default="", metavar="DATASET", help="that --decide is about")
    text = "of rows that a retired dataset holds and its parent deleted: give them up, or give the dataset back"
    guard.add_argument("--decide", choices=("honour", "restore"), help=text)
    guard.add_argument("--by", default="", metavar="NAME", help="who decides")
    guard.epilog = _GUARD
    text = "finish or undo what a command that was killed left half done"
    command(commands, "recover", text, _recover, state, yes, settings, table_or_json).epilog = _RECOVER
    text = "take people's rows out of all that is retired, and their keys out of the state"
    erase = command(commands, "erase", text, _erase, state, yes, settings, table_or_json)
    erase.add_argument("--keys", required=True, metavar="FILE", help="who: a CSV of columns and their values")
    erase.epilog = _ERASE
    text = "the whole story of a dataset, from plan to purge, for its owner or an audit"
    history = command(commands, "history", text, _history, flags.state(), settings, table_or_json)
    history.add_argument("dataset", metavar="DATASET", help="its id, or another of its names")
    text = "write it as JSON to a new file, with what ties it to the journal"
    history.add_argument("--export", type=Path, metavar="FILE", help=text)
    history.epilog = _HISTORY


def _add_review(commands: Commands) -> None:
    text = "what the plan would retire, and what people decided of it"
    group = command(commands, "review", text, _review)
    group.epilog = _REVIEW
    kinds = group.add_subparsers(metavar="list|approve|reject", required=True)
    output = flags.output_format("table", "json", "csv")
    text = "what a plan would retire, what that takes, and what was decided"
    for parser in (
        command(kinds, "list", text, _list, flags.state(), flags.settings(), output),
        _decision(kinds, "approve", "let datasets be retired as the plan says"),
        _decision(kinds, "reject", "keep datasets that the plan would retire"),
    ):
        parser.add_argument("--plan", type=int, metavar="N", help="number of the plan (default: the newest)")


def _decision(kinds: Commands, name: str, text: str) -> Parser:
    output = flags.output_format("table", "json", "csv")
    parser = command(kinds, name, text, _review, flags.turn(), flags.settings(), output)
    parser.add_argument("datasets", nargs="*", metavar="DATASET", help="ids, as `r2d2 review list` gives them")
    parser.add_argument("--all", action="store_true", help="all that the plan would retire and nobody has decided on")
    parser.add_argument("--by", required=True, metavar="NAME", help="who decides")
    parser.add_argument("--note", required=True, metavar="TEXT", help="why")
    parser.set_defaults(approved=name == "approve", accept=[])
    if name == "approve":
        choices = [each.value for each in Acceptance]
        text = "what is accepted besides, see `r2d2 review --help`; repeatable"
        parser.add_argument("--accept", action="append", choices=choices, help=text)
    return parser


def _list(arguments: Namespace) -> None:
    from r2d2.commands import reviews

    reviews.show_reviews(arguments.state, arguments.plan, read_settings(arguments), arguments.format)


def _review(arguments: Namespace) -> None:
    from r2d2.commands import reviews

    settings = read_settings(arguments)
    which = arguments.plan, arguments.datasets, arguments.all
    said = arguments.approved, arguments.by, arguments.note, arguments.accept
    progress = Progress(arguments.quiet)
    reviews.review(arguments.state, *which, *said, progress, arguments.wait, settings, arguments.format)


def _apply(arguments: Namespace) -> int:
    from r2d2.commands import retire

    given = arguments.only, arguments.dry_run, arguments.yes, arguments.format
    return retire.apply(_command(arguments), arguments.plan, *given, arguments.leave_view, arguments.by)


def _purge(arguments: Namespace) -> int:
    from r2d2.commands import retire

    found, given = _command(arguments), (arguments.only, arguments.dry_run, arguments.yes, arguments.format)
    days = found.settings.retention.grace_days
    return retire.purge(found, days * 86_400 if arguments.older_than is None else arguments.older_than, *given)


def _restore(arguments: Namespace) -> None:
    from r2d2.commands import give_back

    wanted = arguments.dataset, arguments.to, arguments.as_of, arguments.accept
    give_back.restore(_command(arguments), *wanted, arguments.format)


def _guard(arguments: Namespace) -> int:
    from r2d2.commands import guarding

    if bool(arguments.decide) is not bool(arguments.dataset):
        raise UsageError("--decide and DATASET go together", "r2d2 guard --decide honour|restore DATASET --by NAME")
    if not arguments.decide:
        return guarding.look_after(_command(arguments), arguments.format)
    guarding.decide_on(_command(arguments), arguments.dataset, arguments.decide, arguments.by)
    return 0


def _recover(arguments: Namespace) -> int:
    from r2d2.commands import give_back

    return give_back.recover(_command(arguments), arguments.yes, arguments.format)


def _erase(arguments: Namespace) -> int:
    from r2d2.commands import erasing

    return erasing.erase(_command(arguments), arguments.keys, arguments.yes, arguments.format)


def _history(arguments: Namespace) -> None:
    from r2d2.commands import history

    read_settings(arguments)
    progress = Progress(arguments.quiet)
    history.history(arguments.state, arguments.dataset, arguments.export, progress, arguments.format)


def _command(arguments: Namespace) -> Command:
    from r2d2.commands.recovering import Command

    return Command.on(arguments.state, read_settings(arguments), Progress(arguments.quiet), arguments.wait)
