"""A language model behind an OpenAI-compatible API: asked in JSON, answering in JSON, within a budget of calls.

What comes from the lake goes as data of one message, and of an answer only the fields that were asked for are taken, so
instructions in names or comments can at worst make a poor sentence. Errors say nothing that the server said.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from ssl import SSLError
from typing import Any

from r2d2.config import SemanticsSettings
from r2d2.errors import EndpointError, UsageError
from r2d2.semantics.labels.answers import Answer, Fields, answer_of, json_schema
from r2d2.semantics.labels.http_post import Reply, place_of, post
from r2d2.version import __version__
from r2d2.visible import visible

#: Requests for one answer, and seconds before the second; each further one waits twice as long.
_TRIES, _WAIT = 3, 0.5
#: No answer is waited for longer, whatever the server asks for, in seconds.
_LONGEST_WAIT = 60.0
#: After so many failures in a row nothing more is asked.
_GIVES_UP = 5
#: It is busy or failing, and may not be the next moment.
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
#: What each further request would meet, too.
_LASTING = {
    401: "it refuses the key",
    402: "it asks for payment",
    403: "it refuses the key",
    404: "it knows no such path or model",
}
#: How an answer's form is asked for, the strictest first: servers refuse what they do not know.
_FORMS = ("json_schema", "json_object", "")
_FORM_REFUSED = frozenset({400, 415, 422, 501})


class _Unreached(EndpointError):
    """No or half an answer came; the next try may fare better."""


class Endpoint:
    """Asks; safe to use from several threads."""

    def __init__(self, settings: SemanticsSettings, environ: Mapping[str, str] | None = None) -> None:
        """Raises UsageError where the settings name no endpoint that could be asked."""
        self._place = place_of("semantics.endpoint", settings.endpoint, "/chat/completions")
        if not settings.endpoint_model:
            raise UsageError("semantics.endpoint_model: empty", "name the model that semantics.endpoint is to run")
        self.model = settings.endpoint_model
        self.calls = 0
        self._most, self._seconds = settings.endpoint_calls, settings.endpoint_timeout
        self._headers = _headers(settings.endpoint_key, os.environ if environ is None else environ)
        self._lock = threading.Lock()
        self._form = 0
        self._in_a_row = 0
        self._closed = ""

    def structured(self, system: str, data: Mapping[str, Any], fields: Fields) -> Answer:
        """An answer to data.

        Args:
            system: what to do with it; nothing that came from the lake.
            data: what can be written as JSON; invisible characters of texts are spelled out.
            fields: to answer with.

        Raises:
            EndpointError: there is no usable one; the reason holds nothing of the lake, the key or the server's words.
        """
        try:
            answer = answer_of(self._content(system, data, fields), fields)
        except EndpointError as error:
            self._failed(str(error))
            raise
        self._in_a_row = 0
        return answer

    def _content(self, system: str, data: Mapping[str, Any], fields: Fields) -> str:
        """What the model wrote; a form of asking that worked is kept to."""
        for form in range(self._form, len(_FORMS)):
            reply = self._reply(_request(self.model, system, data, fields, _FORMS[form]))
            if reply.status not in _FORM_REFUSED:
                break
        if reply.status != 200:
            raise self._refused(reply.status)
        self._form = form
        return _message(reply.content)

    def _reply(self, content: bytes) -> Reply:
        """What comes back, after some patience."""
        wait = _WAIT
        for _ in range(_TRIES - 1):
            try:
                reply = self._call(content)
                if reply.status not in _PASSING:
                    return reply
                wait = _asked_wait(reply, wait)
            except _Unreached:
                pass
            time.sleep(wait)
            wait *= 2
        return self._call(content)

    @property
    def spent(self) -> str:
        """Why no further call is made when all are used up."""
        return f"semantics.endpoint_calls ({self._most}) are used up"

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return max(0, self._most - self.calls)

    def _call(self, content: bytes) -> Reply:
        with self._lock:
            if self._closed:
                raise EndpointError(self._closed)
            if self.calls >= self._most:
                raise EndpointError(self.spent)
            self.calls += 1
        try:
            return post(self._place, content, self._headers, self._seconds)
        except TimeoutError:
            raise EndpointError(f"no answer within {self._seconds:g} s") from None
        except (OSError, HTTPException, ValueError) as error:
            raise _Unreached(f"the connection fails ({_kind_of(error)})") from None

    def _refused(self, status: int) -> EndpointError:
        """The reason; where no further request can do better, there will be none."""
        if 300 <= status < 400:
            self._closed = "it redirects, which is not followed: give the URL that it redirects to"
        elif status in _LASTING:
            self._closed = f"{_LASTING[status]} (HTTP {status})"
        return EndpointError(self._closed or f"HTTP {status}")

    def _failed(self, reason: str) -> None:
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= _GIVES_UP and not self._closed:
                self._closed = f"given up after {_GIVES_UP} failures in a row, the last of them: {reason}"


def _kind_of(error: Exception) -> str:
    """What went wrong, in the system's words and never the server's."""
    if isinstance(error, SSLError):
        return error.reason or "TLS"
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _headers(variable: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    key = environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):  # what the client says then repeats it
        raise UsageError(f"{variable} holds what a header can't: other than printable ASCII", "set it again")
    common = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": f"r2d2/{__version__}"}
    return common | ({"Authorization": f"Bearer {key}"} if key else {})


def _request(model: str, system: str, data: Mapping[str, Any], fields: Fields, form: str) -> bytes:
    schema = json_schema(fields)
    asked = f"{system}\nAnswer with one JSON object of this schema and nothing else: {json.dumps(schema)}"
    messages = [{"role": "system", "content": asked}, {"role": "user", "content": json.dumps(_shown(data))}]
    request: dict[str, Any] = {"model": model, "messages": messages}
    if form == "json_schema":
        strict = {"name": "answer", "strict": True, "schema": schema}
        request |= {"temperature": 0, "response_format": {"type": form, "json_schema": strict}}
    elif form:
        request |= {"temperature": 0, "response_format": {"type": form}}
    return json.dumps(request).encode("ascii")


def _shown(value: Any) -> Any:
    """Data with each text's invisible characters spelled out."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(str(name)): _shown(inner) for name, inner in value.items()}
    return [_shown(inner) for inner in value] if isinstance(value, list | tuple) else value


def _message(content: bytes) -> str:
    """What the model wrote.

    Raises:
        EndpointError: nothing, half of it, or this is no answer of such an API.
    """
    try:
        choice = json.loads(content)["choices"][0]
        ended, text = choice.get("finish_reason"), choice["message"]["content"]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise EndpointError("the answer is none of an OpenAI-compatible API") from error
    if ended == "length":
        raise EndpointError("the answer was cut off")
    if not isinstance(text, str) or not text:
        raise EndpointError("the model gave no answer")
    return text


def _asked_wait(reply: Reply, otherwise: float) -> float:
    """Seconds to wait, as ``Retry-After`` asks.

    Raises:
        EndpointError: longer than anyone would wait.
    """
    asked = reply.headers.get("retry-after", "").strip()
    try:
        wait = float(asked) if asked.replace(".", "", 1).isdigit() else _until(asked)
    except (ValueError, TypeError):
        wait = otherwise
    if wait > _LONGEST_WAIT:
        raise EndpointError(f"it asks to wait for {wait:.0f} s (HTTP {reply.status})")
    return max(wait, otherwise)


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time.time()
