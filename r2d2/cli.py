"""The command line: parse, call, print. What each command does is in ``r2d2.commands``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from r2d2.config import Settings, describe, load_settings
from r2d2.errors import R2D2Error
from r2d2.model.edge import Grade
from r2d2.progress import Progress
from r2d2.version import __version__

_EPILOG = """examples:
  r2d2 demo                                   build a demo lake and run the main job on it
  r2d2 run /data/lake --state /data/r2d2      find, prove and plan; writes /data/r2d2/report.html
  r2d2 edges --state /data/r2d2               what holds what (--all: every pair)
  r2d2 explain sales/2024 --state /data/r2d2  why a dataset is or isn't redundant
Nothing is ever deleted by these commands. `r2d2 COMMAND --help` explains a command, `r2d2 settings` lists all settings.
exit codes: 0 done, 1 other error, 2 usage, 3 something to install, 4 lake, 5 state, 6 not found, 7 solver, 8 scan"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code (README, "Exit codes")."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.call(arguments) or 0
    except R2D2Error as error:
        print(f"r2d2: {_safe(str(error))}", file=sys.stderr)
        if error.hint:
            print(f"hint: {_safe(error.hint)}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("r2d2: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _safe(text: str) -> str:
    from r2d2.report.visible import visible

    return "\n".join(visible(line) for line in text.split("\n"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="r2d2",
        description="Finds datasets of a lake whose rows another dataset holds, proves it, and plans what to retire.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"r2d2 {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _lake_commands(commands)
    _state_commands(commands)
    return parser


def _lake_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = _command(commands, "run", "the main job: discover, find and prove containments, plan, report", _run)
    _lakes(run), _state(run), _settings(run), _format(run, ("table", "json"))
    discover = _command(
        commands, "discover", "only the first stage: list the datasets, read metadata", _discover
    )
    _lakes(discover), _state(discover), _settings(discover)
    for name, text, call in (
        ("containment", "only the second stage: find and prove containments among discovered datasets", _containment),
        ("retention", "only the third stage: plan what to keep and what to retire", _retention),
        ("report", "write report.html of a planned run again", _report),
    ):
        command = _command(commands, name, text, call)
        _state(command), _run_id(command), _settings(command)
    check = _command(commands, "check", "what r2d2 can read of a lake, and which rights are missing", _check)
    _lakes(check), _settings(check), _format(check)
    demo = _command(commands, "demo", "build a demo lake from TPC-H tables and run the main job on it", _demo)
    demo.add_argument("--dir", default="", help="where to build it (default: a new temporary directory)")
    _settings(demo), _format(demo, ("table", "json"))


def _state_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    datasets = _command(
        commands, "datasets", "the datasets of a run; with the reason, if one can't be used", _datasets
    )
    edges = _command(commands, "edges", "the containments of a run: parent, child, and how it was decided", _edges)
    edges.add_argument("--grade", default="proven", choices=[grade.value for grade in Grade], help="default: proven")
    edges.add_argument(
        "--all",
        action="store_true",
        help="every pair: of proven ones the closure, duplicates both ways; of refuted ones those by metadata too",
    )
    plan = _command(commands, "plan", "what to keep and what to retire, and why", _plan)
    for command in (datasets, edges, plan):
        _state(command), _run_id(command), _format(command)
    history = _command(commands, "runs", "the runs of a state, the newest first", _runs)
    _state(history), _format(history)
    explain = _command(commands, "explain", "why a dataset is or isn't redundant, and the plan's arithmetic", _explain)
    explain.add_argument("dataset", help="its id, as `r2d2 datasets` lists it, or another of its names")
    _state(explain), _run_id(explain)
    _command(commands, "settings", "all settings with their defaults", _show_settings)


def _command(commands, name, text, call) -> argparse.ArgumentParser:  # type: ignore[no-untyped-def]
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(call=call)
    return parser


def _lakes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "lakes", nargs="+", metavar="LAKE", help="a directory, a file, a URL (s3://...), or catalog:DATABASE"
    )


def _state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", required=True, metavar="DIR", help="where runs are kept; outside the lake")


def _run_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", default="", metavar="ID", help="a run, or the start of its id (default: the newest)")


def _settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings as TOML")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="overrides one setting")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _format(parser: argparse.ArgumentParser, choices: Sequence[str] = ("table", "json", "csv")) -> None:
    parser.add_argument("--format", default="table", choices=choices, help="of what goes to standard output")


def _read_settings(arguments: argparse.Namespace, defaults: Sequence[str] = ()) -> Settings:
    return load_settings(arguments.config, (*defaults, *arguments.set))


def _run(arguments: argparse.Namespace) -> None:
    from r2d2.commands import lake

    lake.run(arguments.lakes, arguments.state, _read_settings(arguments), Progress(arguments.quiet), arguments.format)


def _discover(arguments: argparse.Namespace) -> None:
    from r2d2.commands import lake

    lake.discover_lake(arguments.lakes, arguments.state, _read_settings(arguments), Progress(arguments.quiet))


def _containment(arguments: argparse.Namespace) -> None:
    from r2d2.commands import lake

    lake.contain(arguments.state, arguments.run, _read_settings(arguments), Progress(arguments.quiet))


def _retention(arguments: argparse.Namespace) -> None:
    from r2d2.commands import lake

    lake.retain(arguments.state, arguments.run, _read_settings(arguments), Progress(arguments.quiet))


def _report(arguments: argparse.Namespace) -> None:
    from r2d2.commands import lake

    lake.report(arguments.state, arguments.run, _read_settings(arguments), Progress(arguments.quiet))


def _check(arguments: argparse.Namespace) -> int:
    from r2d2.commands import lake

    unreadable = lake.check(arguments.lakes, _read_settings(arguments), Progress(arguments.quiet), arguments.format)
    return 4 if unreadable else 0


def _demo(arguments: argparse.Namespace) -> None:
    from r2d2.commands import lake

    settings = _read_settings(arguments, (f"retention.storage_price_factor={lake.DEMO_PRICE_FACTOR}",))
    lake.demo(arguments.dir, settings, Progress(arguments.quiet), arguments.format)


def _datasets(arguments: argparse.Namespace) -> None:
    from r2d2.commands import state

    state.show_datasets(arguments.state, arguments.run, arguments.format)


def _edges(arguments: argparse.Namespace) -> None:
    from r2d2.commands import state

    state.show_edges(arguments.state, arguments.run, arguments.grade, arguments.all, arguments.format)


def _plan(arguments: argparse.Namespace) -> None:
    from r2d2.commands import state

    state.show_plan(arguments.state, arguments.run, arguments.format)


def _runs(arguments: argparse.Namespace) -> None:
    from r2d2.commands import state

    state.show_runs(arguments.state, arguments.format)


def _explain(arguments: argparse.Namespace) -> None:
    from r2d2.commands import state

    state.explain(arguments.state, arguments.run, arguments.dataset)


def _show_settings(arguments: argparse.Namespace) -> None:
    del arguments
    for key, default in describe():
        print(f"{key} = {default!r}")
