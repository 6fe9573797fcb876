"""The command line: parse, call, print. What each command does is in ``r2d2.commands``."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser as Parser
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from functools import partial
from io import TextIOWrapper
from logging import ERROR

from r2d2 import cli_recovery, cli_semantics, flags
from r2d2.config import Settings, describe
from r2d2.errors import R2D2Error
from r2d2.flags import Call, Commands, command, read_settings
from r2d2.logs import is_structured, log, log_as, nobody_reads
from r2d2.model.edge import Grade
from r2d2.operations.termination import Terminated, terminable
from r2d2.progress import Progress
from r2d2.version import __version__

_EPILOG = """examples:
  r2d2 demo                                   build a demo lake and run the main job on it
  r2d2 run /data/lake --state /data/r2d2      find, prove and plan; writes /data/r2d2/report.html
  r2d2 edges --state /data/r2d2               what holds what (--all: every pair)
  r2d2 explain sales/2024 --state /data/r2d2  why a dataset is or isn't redundant
  r2d2 ask "customer orders" --state /data/r2d2
                                              what the lake holds on that, and which of it is redundant
  r2d2 review approve DATASET --by me --note "asked the owner" --state /data/r2d2, then
  r2d2 apply --state /data/r2d2               put what was approved into quarantine; r2d2 restore DATASET undoes it
Only apply, restore, purge, guard, recover and erase change a lake. `r2d2 COMMAND --help` explains a command,
`r2d2 settings` lists all settings.
exit codes: 0 done, 1 other error, 2 usage, 3 something to install, 4 lake, 5 state, 6 not found, 7 solver, 8 scan,
9 a dataset was left alone, 10 tampered with, 130 interrupted, 143 terminated"""

_RUN_EPILOG = """examples:
  r2d2 run /data/lake --state /data/r2d2 --dry-run        what it would do
  r2d2 run /data/lake --state /data/r2d2 --estimate       how long that takes, and what it costs
  r2d2 run /data/lake s3://bucket/sales --state /data/r2d2 --config nightly.toml --log-format json
  r2d2 run /data/lake --state /data/r2d2 --set spark.master=spark://host:7077
Under spark-submit: jobs/pipeline.py with the same arguments (docs/deploy.md). Settings come from --config, from
R2D2_SECTION__KEY in the environment and from --set; later ones win. `r2d2 settings` lists them all."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code (README, "Exit codes")."""
    _open_streams()
    arguments = _parser().parse_args(argv)
    form = getattr(arguments, "log_format", None) or os.environ.get("R2D2_LOG__FORMAT")
    log_as("json" if form == "json" else "text")  # a file may say otherwise, once it is read
    code = _called(arguments)
    if is_structured() and (code or not getattr(arguments, "quiet", False)):
        log("exit", f"exit code {code}", {"exit_code": code})
    return code


def _open_streams() -> None:
    """What is not there, as daemons have it, is nothing to write to, and no number that another file is given."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_WRONLY)
            if nothing != number:
                os.dup2(nothing, number)
            setattr(sys, name, os.fdopen(number, "w"))
        if isinstance(stream := getattr(sys, name), TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no name from the lake ends a command for want of a letter


def _called(arguments: Namespace) -> int:
    try:
        call: Call = arguments.call
        with terminable():
            code = call(arguments) or 0
            sys.stdout.flush()
            return code
    except R2D2Error as error:
        return _failed(str(error), error.exit_code, error.hint)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _failed(f"{where}{error.strerror or error}", 1)
    except KeyboardInterrupt as stopped:
        code = 143 if isinstance(stopped, Terminated) else 130
        return _failed("stopped; the same command goes on from here", code)


def _failed(what: str, code: int, hint: str = "") -> int:
    """Says what went wrong, and what to do about it; returns the exit code."""
    if is_structured():
        log("error", what, {"hint": hint, "exit_code": code}, ERROR)
        return code
    try:
        print(f"r2d2: {_safe(what)}", file=sys.stderr)
        if hint:
            print(f"hint: {_safe(hint)}", file=sys.stderr)
    except BrokenPipeError:
        nobody_reads()
    return code


def _safe(text: str) -> str:
    from r2d2.visible import visible

    return "\n".join(visible(line) for line in text.split("\n"))


def _parser() -> Parser:
    parser = Parser(
        prog="r2d2",
        description="Finds datasets of a lake whose rows another dataset holds, proves it, and plans what to retire.",
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"r2d2 {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _lake_commands(commands)
    _state_commands(commands)
    cli_semantics.add(commands)
    cli_recovery.add(commands)
    return parser


def _lake_commands(commands: Commands) -> None:
    lakes, state, run, settings = flags.lakes(), flags.turn(), flags.run_id(), flags.settings()
    limits, dry, table_or_json = flags.limits(), flags.dry_run(), flags.output_format("table", "json")
    text = "the main job: discover, find and prove containments, plan, report"
    run_it = command(commands, "run", text, _run, lakes, state, limits, dry, settings, table_or_json)
    run_it.epilog = _RUN_EPILOG
    text = "say what would be read, how long that takes and what it costs; reads no data file and writes nothing"
    run_it.add_argument("--estimate", action="store_true", help=text)
    text = "only the first stage: list the datasets, read metadata"
    command(commands, "discover", text, _discover, lakes, state, limits, dry, settings)
    text = "only the second stage: find and prove containments among discovered datasets"
    command(commands, "containment", text, _containment, state, run, limits, dry, settings)
    text = "only the third stage: plan what to keep and what to retire"
    command(commands, "retention", text, _retention, state, run, dry, settings)
    text = "write report.html of a planned run again"
    report = command(commands, "report", text, _report, flags.state(), run, dry, settings)
    text = "write a page for each owner there, too: what of theirs could go, a sentence each, and until when to decide"
    report.add_argument("--owners", default="", metavar="DIR", help=text)
    text = "execute the review notebooks there, too, and render them as pages (needs r2d2[pages])"
    report.add_argument("--notebooks", default="", metavar="DIR", help=text)
    text = "print the run in Markdown, for a pull request or a chat message"
    report.add_argument("--markdown", action="store_true", help=text)
    text = "what r2d2 can read of a lake, and which rights are missing"
    command(commands, "check", text, _check, lakes, settings, flags.output_format("table", "json", "csv"))
    text = "a digest of the rows of each dataset, whatever its format, files and order: equal ones hold equal data"
    command(commands, "digest", text, _digest, lakes, settings, flags.output_format("table", "json", "csv"))
    text = "measure how fast rebuilds start, read and write on the store at hand, and print the settings to use"
    calibrate = command(commands, "calibrate", text, _calibrate, settings, table_or_json)
    text = "the lake, or a directory in its store; a scratch directory in it (S3: in its bucket) is removed"
    calibrate.add_argument("where", metavar="LAKE_OR_DIR", help=text)
    text = "to write and to read, for example 1GB (default: 256MB)"
    calibrate.add_argument("--bytes", default="256MB", metavar="SIZE", help=text)
    text = "build a demo lake from TPC-H tables and run the main job on it"
    demo = command(commands, "demo", text, _demo, settings, table_or_json)
    demo.add_argument("--dir", default="", help="where to build it (default: a new temporary directory)")


def _state_commands(commands: Commands) -> None:
    state, run, output = flags.state(), flags.run_id(), flags.output_format("table", "json", "csv")
    text = "the datasets of a run; with the reason, if one can't be used"
    command(commands, "datasets", text, _datasets, state, run, output, flags.settings())
    text = "the containments of a run: parent, child, and how it was decided"
    forms = flags.output_format("table", "json", "csv", "graphml")
    edges = command(commands, "edges", text, _edges, state, run, forms, flags.settings())
    edges.add_argument("--grade", default="proven", choices=[grade.value for grade in Grade], help="default: proven")
    text = "every pair: of proven ones the closure, duplicates both ways; of refuted ones those by metadata too"
    edges.add_argument("--all", action="store_true", help=text)
    text = "what to keep and what to retire, and why"
    plan = command(commands, "plan", text, _plan, state, run, output, flags.settings())
    plan.add_argument("--number", type=int, metavar="N", help="the plan with this number, as `r2d2 plans` lists it")
    text = "what is other in plan B than in plan A"
    plan.add_argument("--diff", nargs=2, type=int, metavar=("A", "B"), help=text)
    text = "the plan at other prices (a factor: storage_price=0.5) or limits (a value: latency_limit=0); repeatable"
    plan.add_argument("--what-if", action="append", default=[], metavar="NAME=NUMBER", help=text)
    text = "also what each line takes once, who is asked, what would change it, and how its parent was proven"
    plan.add_argument("--details", action="store_true", help=text)
    text = "the plans of a state, the newest first; they are numbered and never change"
    command(commands, "plans", text, _plans, state, output)
    text = "who reads, writes and owns the datasets of a run, as logs, lineage and facts tell (docs/usage.md)"
    command(commands, "usage", text, _usage, state, run, output)
    command(commands, "runs", "the runs of a state, the newest first", _runs, state, output)
    text = "why a dataset is or isn't redundant, and the plan's arithmetic"
    explain = command(commands, "explain", text, _explain, state, run, flags.settings())
    explain.add_argument("dataset", help="its id, as `r2d2 datasets` lists it, or another of its names")
    text = "the price sheets that retention.prices chooses from, each figure with its source and date"
    command(commands, "prices", text, _prices, flags.output_format("table", "json", "csv"))
    command(commands, "settings", "all settings with their defaults", _show_settings)
    text = "the JSON schema of what a command prints with --format json"
    schema = command(commands, "schema", text, _schema)
    text = "for example plan, 'plan --details' or 'review list' (default: lists all)"
    schema.add_argument("of", nargs="?", default="", metavar="COMMAND", help=text)


def _run(arguments: Namespace) -> None:
    from r2d2.commands import dry_run, estimate, lake

    given = arguments.lakes, arguments.state, read_settings(arguments), Progress(arguments.quiet)
    if arguments.dry_run:
        dry_run.of_run(*given, arguments.format, whole=True)
    elif arguments.estimate:
        estimate.estimate(*given, arguments.format)
    else:
        lake.run(*given, arguments.format, arguments.wait)


def _discover(arguments: Namespace) -> None:
    from r2d2.commands import dry_run, lake

    given = arguments.lakes, arguments.state, read_settings(arguments), Progress(arguments.quiet)
    if arguments.dry_run:
        dry_run.of_run(*given, "table", whole=False)
    else:
        lake.discover_lake(*given, arguments.wait)


def _containment(arguments: Namespace) -> None:
    from r2d2.commands import lake

    _stage("containment", arguments, partial(lake.contain, wait=arguments.wait))


def _retention(arguments: Namespace) -> None:
    from r2d2.commands import lake

    _stage("retention", arguments, partial(lake.retain, wait=arguments.wait))


def _report(arguments: Namespace) -> None:
    from pathlib import Path

    from r2d2.commands import dry_run, lake
    from r2d2.review.pages import notebooks, write_pages

    settings, progress = read_settings(arguments), Progress(arguments.quiet)
    given = arguments.state, arguments.run, settings, progress
    if arguments.dry_run:
        dry_run.of_report(*given, arguments.owners, arguments.notebooks, [path.stem for path in notebooks()])
        return
    lake.report(*given, owners=arguments.owners, summary=arguments.markdown)
    if arguments.notebooks:
        into = Path(arguments.notebooks)
        config = str(arguments.config or "")
        pages = write_pages(arguments.state, arguments.run, into, progress, config, arguments.set)
        progress.say(f"notebooks: {pages[0]}", "notebooks", pages=[str(page) for page in pages])


def _stage(name: str, arguments: Namespace, call: Callable[[str, str, Settings, Progress], None]) -> None:
    from r2d2.commands import dry_run

    settings, progress = read_settings(arguments), Progress(arguments.quiet)
    if arguments.dry_run:
        dry_run.of_stage(name, arguments.state, arguments.run, settings, progress)
    else:
        call(arguments.state, arguments.run, settings, progress)


def _check(arguments: Namespace) -> int:
    from r2d2.commands import lake

    unreadable = lake.check(arguments.lakes, read_settings(arguments), Progress(arguments.quiet), arguments.format)
    return 4 if unreadable else 0


def _digest(arguments: Namespace) -> int:
    from r2d2.commands import lake

    missing = lake.digest(arguments.lakes, read_settings(arguments), Progress(arguments.quiet), arguments.format)
    return 4 if missing else 0


def _calibrate(arguments: Namespace) -> None:
    from r2d2.commands import calibrate

    progress = Progress(arguments.quiet)
    calibrate.calibrate(arguments.where, arguments.bytes, read_settings(arguments), progress, arguments.format)


def _demo(arguments: Namespace) -> None:
    from r2d2.commands import lake

    settings = read_settings(arguments, lake.DEMO_SETTINGS)
    lake.demo(arguments.dir, settings, Progress(arguments.quiet), arguments.format)


def _datasets(arguments: Namespace) -> None:
    from r2d2.commands import state

    state.show_datasets(arguments.state, arguments.run, arguments.format, _shows_values(arguments))


def _edges(arguments: Namespace) -> None:
    from r2d2.commands import state

    which = arguments.run, arguments.grade, arguments.all
    state.show_edges(arguments.state, *which, arguments.format, _shows_values(arguments))


def _plan(arguments: Namespace) -> None:
    from r2d2.commands import plans

    which = arguments.run, arguments.number, arguments.what_if, arguments.diff, arguments.details
    plans.show_plan(arguments.state, *which, arguments.format, _shows_values(arguments))


def _plans(arguments: Namespace) -> None:
    from r2d2.commands import plans

    plans.show_plans(arguments.state, arguments.format)


def _usage(arguments: Namespace) -> None:
    from r2d2.commands import usage

    usage.show_usage(arguments.state, arguments.run, arguments.format)


def _runs(arguments: Namespace) -> None:
    from r2d2.commands import state

    state.show_runs(arguments.state, arguments.format)


def _explain(arguments: Namespace) -> None:
    from r2d2.commands import state

    state.explain(arguments.state, arguments.run, arguments.dataset, _shows_values(arguments))


def _shows_values(arguments: Namespace) -> bool:
    """Whether cell values may be shown."""
    return read_settings(arguments).report.show_values


def _prices(arguments: Namespace) -> None:
    from r2d2.commands import prices

    prices.show_prices(arguments.format)


def _schema(arguments: Namespace) -> None:
    from r2d2.commands import schemas

    schemas.show_schema(arguments.of)


def _show_settings(arguments: Namespace) -> None:
    del arguments
    for key, default in describe():
        print(f"{key} = {default!r}")
