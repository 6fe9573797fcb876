"""What a command says while it works, for machines: one JSON object a line, on standard error, by Python's logging.

Every line has ``time`` (UTC), ``level``, ``event``, ``run_id`` (empty before there is a run) and ``message``; further
keys depend on the event (docs/deploy.md lists them). What other libraries warn of comes as ``event: warning``.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

Format = Literal["text", "json"]

LOGGER = logging.getLogger("r2d2")
_WARNINGS = logging.getLogger("py.warnings")


class JsonLines(logging.Handler):
    """Prints records as JSON; names from the lake can't end a line, for JSON escapes what is not ASCII or printed."""

    run_id = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints the line."""
        print(self.format(record), file=sys.stderr, flush=True)

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
    for logger in (LOGGER, _WARNINGS):
        logger.handlers.clear()
        logger.propagate = form == "text"
    logging.captureWarnings(form == "json")
    if form == "json":
        for logger in (LOGGER, _WARNINGS):
            logger.addHandler(JsonLines())
        LOGGER.setLevel(logging.INFO)


def is_structured() -> bool:
    """Whether lines are JSON."""
    return bool(LOGGER.handlers)


def of_run(run_id: str) -> None:
    """Names the run that lines are about from now on."""
    JsonLines.run_id = run_id


def log(event: str, message: str, fields: Mapping[str, Any], level: int = logging.INFO) -> None:
    """One line."""
    LOGGER.log(level, "%s", message, extra={"event": event, "fields": fields})
