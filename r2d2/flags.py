"""Flags that several commands have, as parents of their parsers."""

from __future__ import annotations

from argparse import ArgumentParser as Parser
from argparse import ArgumentTypeError, Namespace, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from r2d2.config import Settings, load_settings
from r2d2.logs import log_as
from r2d2.quantities import TIME_HINT, seconds_of

Commands: TypeAlias = "_SubParsersAction[Parser]"
Call = Callable[[Namespace], int | None]


def command(commands: Commands, name: str, text: str, call: Call, *parents: Parser) -> Parser:
    """A command of a group, with the flags of its parents."""
    description = text[0].upper() + text[1:] + "."
    shown = RawDescriptionHelpFormatter
    parser = commands.add_parser(name, help=text, description=description, parents=parents, formatter_class=shown)
    parser.set_defaults(call=call)
    return parser


def read_settings(arguments: Namespace, defaults: Sequence[str] = ()) -> Settings:
    """The settings that a command line asks for; what goes to standard error from now on has the form they say."""
    given = {f"containment.{name}": getattr(arguments, name, None) for name in ("goal", "max_bytes", "time_limit")}
    given["log.format"] = arguments.log_format
    set_by_flag = {key: text for key, text in given.items() if text is not None}
    settings = load_settings(arguments.config, (*defaults, *arguments.set), flags=set_by_flag)
    log_as(settings.log.format)
    return settings


def lakes() -> Parser:
    """Which lakes."""
    parser = Parser(add_help=False)
    text = "a directory, a file, a URL (s3://...), or catalog:DATABASE"
    parser.add_argument("lakes", nargs="+", metavar="LAKE", help=text)
    return parser


def state() -> Parser:
    """Which state."""
    parser = Parser(add_help=False)
    parser.add_argument("--state", required=True, metavar="DIR", help="where runs are kept; outside the lake")
    return parser


def turn() -> Parser:
    """The state of a command that writes to it, of which one runs at a time."""
    parser = Parser(add_help=False, parents=[state()])
    text = "how long to wait for another run on the state to end, for example 2h (default: not at all)"
    parser.add_argument("--wait", type=time, default=0.0, metavar="TIME", help=text)
    return parser


def time(text: str) -> float:
    """Seconds, as a flag gives them."""
    try:
        return seconds_of(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a time: {TIME_HINT}") from None


def run_id() -> Parser:
    """Which of its runs."""
    parser = Parser(add_help=False)
    parser.add_argument("--run", default="", metavar="ID", help="a run, or the start of its id (default: the newest)")
    return parser


def settings() -> Parser:
    """Settings, and how the command speaks."""
    parser = Parser(add_help=False)
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings as TOML")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="overrides one setting")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    text = "of what goes to standard error: json gives an object a line, with the run's id (default: text)"
    parser.add_argument("--log-format", choices=("text", "json"), help=text)
    return parser


def dry_run() -> Parser:
    """Whether only to say what would be done."""
    parser = Parser(add_help=False)
    text = "say what the command would do and write, stage by stage; nothing is written and no data file is read"
    parser.add_argument("--dry-run", action="store_true", help=text)
    return parser


def dry_run_of_change() -> Parser:
    """Whether a command that changes the lake only says what it would do."""
    parser = Parser(add_help=False)
    text = "say what would be done, and what stands against it; nothing is written to the lake"
    parser.add_argument("--dry-run", action="store_true", help=text)
    return parser


def yes() -> Parser:
    """Whether a command that changes the lake asks."""
    parser = Parser(add_help=False)
    text = "don't ask; without a terminal nobody can be asked, and the command needs this"
    parser.add_argument("--yes", action="store_true", help=text)
    return parser


def only() -> Parser:
    """Which datasets."""
    parser = Parser(add_help=False)
    text = "only datasets whose id this names: an id, or a glob pattern as in retention.keep; repeatable"
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help=text)
    return parser


def limits() -> Parser:
    """Flags for settings of containment; which, and what they mean, is also said by ``config``."""
    parser = Parser(add_help=False)
    group = parser.add_argument_group(
        "value first",
        "What may save most for the money that reading it costs is read first; a run that reaches a limit ends with "
        "what it has, and the same command goes on from there.",
    )
    text = "value: only pairs that can save money are compared (default: all)"
    group.add_argument("--goal", choices=("all", "value"), help=text)
    text = "read no more of data files than this, for example 10GB or 500MiB"
    group.add_argument("--max-bytes", metavar="SIZE", help=text)
    text = "begin to read nothing further after this time, for example 30m or 2h (a plain number: seconds)"
    group.add_argument("--time-limit", metavar="TIME", help=text)
    return parser


def output_format(*choices: str) -> Parser:
    """Form of the payload; the first choice is the default."""
    parser = Parser(add_help=False)
    text = "of what goes to standard output"
    if "csv" in choices:
        text += "; csv is for spreadsheets: text that one would take for a formula has ' before it. Programs read json"
    parser.add_argument("--format", default=choices[0], choices=choices, help=text)
    return parser
