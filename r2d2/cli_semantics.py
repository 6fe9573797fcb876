"""The commands that show what the lake is about, and answer questions on it: parse, call, print."""

from __future__ import annotations

from argparse import Namespace

from r2d2 import flags
from r2d2.flags import Commands, command, read_settings
from r2d2.progress import Progress


def add(commands: Commands) -> None:
    """Adds these commands to the others."""
    state, run, output = flags.state(), flags.run_id(), flags.output_format("table", "json", "csv")
    text = "what the lake holds, as topics over topics; ids and names last from run to run (docs/semantics.md)"
    shared = flags.turn(), run, flags.settings(), output
    topics = command(commands, "topics", text, _topics, *shared)
    text = "cut the tree into N parts, as one level (default: the levels that were chosen)"
    shown = topics.add_mutually_exclusive_group()
    shown.add_argument("--parts", type=int, metavar="N", help=text)
    text = "instead, pairs of datasets that look alike but whose columns differ in name, with what to map: worth a look"
    shown.add_argument("--look-alikes", action="store_true", help=text)
    made = topics.add_mutually_exclusive_group()
    text = "group the run's datasets anew, whatever an earlier run found: ids and names of topics don't last"
    made.add_argument("--fresh", action="store_true", help=text)
    text = "group the run's datasets as `r2d2 run` does, first: where it ran stage by stage, or without topics"
    made.add_argument("--group", action="store_true", help=text)
    text = "what the lake holds on a question, and which of it is redundant: datasets, topics, containments, the plan"
    ask = command(commands, "ask", text, _ask, state, run, flags.settings(), flags.output_format("text", "json"))
    ask.add_argument("question", help='in words, for example "what do we hold about customer orders?"')
    text = "what answers: datasets by themselves, the topics that they are in, or both (default)"
    ask.add_argument("--level", default="both", choices=("base", "topic", "both"), help=text)


def _topics(arguments: Namespace) -> None:
    from r2d2.commands import topics

    settings, which = read_settings(arguments), (arguments.state, arguments.run)
    progress = Progress(arguments.quiet)
    if arguments.fresh or arguments.group:
        topics.group_again(*which, settings, progress, arguments.wait, arguments.fresh)
    if arguments.look_alikes:
        topics.show_look_alikes(*which, progress, arguments.format)
    else:
        topics.show_topics(*which, arguments.parts, settings.semantics, progress, arguments.format)


def _ask(arguments: Namespace) -> None:
    from r2d2.commands import asking_about

    settings, progress = read_settings(arguments).semantics, Progress(arguments.quiet)
    which = arguments.state, arguments.run, arguments.question, arguments.level
    asking_about.ask_about(*which, settings, progress, arguments.format)
