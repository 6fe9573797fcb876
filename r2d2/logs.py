"""What a command says while it works, for machines: one JSON object a line, on standard error, by Python's logging.

Every line has ``time`` (UTC), ``level``, ``event``, ``run_id`` (empty before there is a run) and ``message``; further
keys depend on the event (docs/deploy.md lists them). What other libraries warn of comes as ``event: warning``.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

Format = Literal["text", "json"]

LOGGER = logging.getLogger("r2d2")
#: What libraries log, and their warnings.
_OTHERS = logging.getLogger()


class JsonLines(logging.Handler):
    """Prints records as JSON; names from the lake can't end a line, for JSON escapes what is not ASCII or printed."""

    run_id = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints the line."""
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except BrokenPipeError:
            nobody_reads()

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields: Mapping[str, Any] = getattr(record, "fields", {})
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "warning"),
            "run_id": self.run_id,
            "message": record.getMessage(),
            **fields,
        }
        return json.dumps(line, ensure_ascii=True, default=str)


def log_as(form: Format) -> None:
    """Chooses how this process speaks: ``json`` by the logger, ``text`` not at all (``progress`` prints it then)."""
    of_run("")
    structured = form == "json"
    for logger in (LOGGER, _OTHERS):
        for handler in _own(logger):
            logger.removeHandler(handler)
        if structured:
            logger.addHandler(JsonLines())
    LOGGER.propagate = not structured
    LOGGER.setLevel(logging.INFO if structured else logging.NOTSET)
    logging.captureWarnings(structured)
    sys.excepthook = _crashed if structured else sys.__excepthook__
    threading.excepthook = _thread_crashed if structured else threading.__excepthook__


def nobody_reads() -> None:
    """Whoever read standard error has gone: the work goes on, and says no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _crashed(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    trace = "".join(traceback.format_exception(kind, error, where))
    log("error", f"{kind.__name__}: {error}", {"traceback": trace, "exit_code": 1}, logging.ERROR)


def _thread_crashed(what: threading.ExceptHookArgs) -> None:
    """Of a thread besides the main one: the process goes on."""
    error = what.exc_value or what.exc_type()
    trace = "".join(traceback.format_exception(what.exc_type, error, what.exc_traceback))
    log("warning", f"{what.exc_type.__name__}: {error}", {"traceback": trace}, logging.WARNING)


def _own(logger: logging.Logger) -> list[JsonLines]:
    return [handler for handler in logger.handlers if isinstance(handler, JsonLines)]


def is_structured() -> bool:
    """Whether lines are JSON."""
    return bool(_own(LOGGER))


def of_run(run_id: str) -> None:
    """Names the run that lines are about from now on."""
    JsonLines.run_id = run_id


def log(event: str, message: str, fields: Mapping[str, Any], level: int = logging.INFO) -> None:
    """One line."""
    LOGGER.log(level, "%s", message, extra={"event": event, "fields": fields})
