"""Flags that several commands have, as parents of their parsers."""

from __future__ import annotations

from argparse import ArgumentParser as Parser
from argparse import ArgumentTypeError
from pathlib import Path

from r2d2.quantities import TIME_HINT, seconds_of


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
    """The state of commands that write to it, of which one runs at a time."""
    parser = Parser(add_help=False, parents=[state()])
    text = "how long to wait for another run on the state to end, for example 2h (default: not at all)"
    parser.add_argument("--wait", type=_time, default=0.0, metavar="TIME", help=text)
    return parser


def _time(text: str) -> float:
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
    """Form of the payload, the first choice being ``table``."""
    parser = Parser(add_help=False)
    parser.add_argument("--format", default="table", choices=choices, help="of what goes to standard output")
    return parser
