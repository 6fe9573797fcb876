"""One error root. Each kind has an exit code, and each error can carry a hint: what to do about it.

Exit codes are a contract (README, "Exit codes").
"""

from __future__ import annotations

import logging
import re
import traceback

_LOG = logging.getLogger(__name__)


class R2D2Error(Exception):
    """Root of every error that R2D2 raises on purpose.

    Args:
        message: what is wrong, and where.
        hint: what to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(R2D2Error):
    """The command line, a setting or the configuration file can't be used as given."""

    exit_code = 2


class EnvironmentMissing(R2D2Error):
    """Something that must be installed is missing or too old (Java, an extra, a jar)."""

    exit_code = 3


class LakeError(R2D2Error):
    """A root can't be listed at all. (A dataset that can't be read is listed with its error instead.)"""

    exit_code = 4


class StateError(R2D2Error):
    """The state directory is missing, of another layout, damaged, or in use."""

    exit_code = 5


class StateInUse(StateError):
    """Another run holds the state's lock; it lets go when it ends."""


class NotFound(R2D2Error):
    """The named dataset, run or plan is not in the state."""

    exit_code = 6


class SolverError(R2D2Error):
    """The retention model could not be solved (no solver, infeasible, time limit with no plan)."""

    exit_code = 7


class ScanError(R2D2Error):
    """A Spark job of a stage failed as a whole (lost workers, wrong versions on them)."""

    exit_code = 8


class NotRetirable(R2D2Error):
    """A dataset is left as it is, for the reason given; what was begun with it was undone. Others go on."""

    exit_code = 9


class NotContained(NotRetirable):
    """Rows of the dataset are not in what it would be rebuilt from, or not any more."""


class Tampered(R2D2Error):
    """A journal, recipe, claim or quarantined file is not what was written: nothing that rests on it is done."""

    exit_code = 10


class UnsupportedData(R2D2Error):
    """A dataset that R2D2 can't decide exactly; caught where datasets are listed, never ends a run."""


class RetiredData(UnsupportedData):
    """A table that r2d2 keeps its readers out of."""


class UnreadableData(R2D2Error):
    """A dataset whose bytes are damaged, missing or forbidden; caught where datasets are listed, never ends a run."""


class EndpointError(R2D2Error):
    """A language model gave no usable answer; caught where a template can stand in for it, never ends a run."""


def first_line(error: BaseException) -> str:
    """What an error says first; its kind where it says nothing, or comes from Java as it is.

    Spark words its own errors; others may cite a connection's password (*seen*: Iceberg's JDBC catalog gives its URL).
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    java = re.match(r": ([\w.$]+)", lines[1]) if _FROM_JAVA.match(lines[0]) and len(lines) > 1 else None
    return java[1] if java else lines[0]


_FROM_JAVA = re.compile(r"An error occurred while calling ")


def unknown_damage(where: str, error: Exception) -> str:
    """The reason of a dataset whose reader failed in a way that nobody thought of.

    Args:
        where: what was read, fit to be shown.
    """
    unknown_failure(where, error)
    return "can't be read: it is damaged in a way that R2D2 does not know"


def unknown_failure(where: str, error: Exception) -> str:
    """What is said of something that failed in a way that nobody thought of.

    The place in the code goes to the log, for us and not for the data's owner; never what the error says, which may
    cite values.

    Args:
        where: what failed, fit to be shown.
    """
    place = traceback.extract_tb(error.__traceback__)[-1]
    _LOG.warning("%s: %s at %s:%s", where, type(error).__name__, place.filename, place.lineno)
    return f"it failed in a way that R2D2 does not know ({type(error).__name__})"
