"""What the errors of object stores mean, without credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore import exceptions as failures

from r2d2.errors import R2D2Error
from r2d2.lake.urls import without_credentials

_STATUS = re.compile(r"status code: (\d{3}[\w ]*)")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_TIMING = re.compile(r" in [\d.]+ ?[nµm]?s\b|, after \d+ retries|, retry_timeout: [\w.]+|, max_retries: \d+")
_GAVE_UP = re.compile(r"after (\d+) retries, max_retries: \1\b")


@contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Whatever a client raises becomes an OSError whose message carries no credentials.

    Raises:
        FileNotFoundError, PermissionError, FileExistsError, OSError: as the store answered; FileExistsError also where
            an object is no longer the one that was asked for.
    """
    try:
        yield
    except R2D2Error:
        raise
    except BaseException as error:  # clients raise what they like
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # which no name leads to
            raise
        raise _kind(error)(without_credentials(f"{url}: {reason_of(error)}")) from None


def reason_of(error: BaseException) -> str:
    """What a store answered, in one line that is the same each time."""
    if isinstance(error, failures.AlreadyExistsError):
        return "it is there already"
    if isinstance(error, failures.PreconditionError):
        return "it has changed"
    text = str(error)
    status, code = _STATUS.search(text), _CODE.search(text)
    if status:
        return f"its store answers {status[1].strip()}" + (f" ({code[1]})" if code else "")
    first = (text.strip().splitlines() or [type(error).__name__])[0]
    return without_credentials(_TIMING.sub("", first))


def _kind(error: BaseException) -> type[OSError]:
    if isinstance(error, failures.PreconditionError | failures.AlreadyExistsError):
        return FileExistsError
    if isinstance(error, failures.PermissionDeniedError | failures.UnauthenticatedError | PermissionError):
        return PermissionError
    missing = isinstance(error, FileNotFoundError) or " 404 " in str(error)
    return FileNotFoundError if missing else OSError


def may_be_lost(error: BaseException) -> bool:
    """Whether the connection broke, so that nobody knows what the store did, and the client did not ask again."""
    text = str(error)
    return "HTTP error" in text and not _STATUS.search(text) and not _GAVE_UP.search(text)
