"""CloudTrail logs with S3 data events: files of ``{"Records": [...]}``, or one event a line.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from r2d2.usage.accesses import AccessLog, LogKind, Own
from r2d2.usage.places import Places
from r2d2.usage.sources import MAX_LINE, Faults, chunks, files, moment, name_of, past

SETTING = "cloudtrail"
READS = frozenset({"GetObject", "SelectObjectContent", "GetObjectTorrent"})
#: What readers ask first of an object: that it is not there ends the read.
_ASKS = "HeadObject"
#: Copies read one object and write another; they name what they read in this parameter.
_COPIES = frozenset({"CopyObject", "UploadPartCopy"})
_COPY_SOURCE = "x-amz-copy-source"
#: What the digests have that a trail leaves beside its logs.
_DIGEST = "digestS3Bucket"
_HEAD = re.compile(r'\s*\{\s*"Records"\s*:\s*\[\s*')
_BETWEEN = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()


def cloudtrail(
    entries: Sequence[str], covers: Sequence[str], places: Places, own: Own, kind: LogKind = AccessLog
) -> AccessLog:
    """Reads the files. A trail records what its selectors say, so it covers what it names, and what ``covers`` says."""
    log = kind("cloudtrail", Faults(SETTING))
    for path in files(entries, log.faults):
        for number, event in records(path, log.faults):
            try:
                _event(event, log, places, own)
            except ValueError as error:
                log.faults.line(path, number, f"record {number}: {error}")
    if log.windows:
        log.covered.update((index, "") for url in covers for index in places.below(url))
    return log


def records(path: str, faults: Faults) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The events of a file with their numbers, one after another, so that a file of any size fits into memory."""
    buffer, number, begun = "", 0, False
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    for chunk in chunks(path, faults):
        buffer += decoder.decode(chunk)
        if not begun and (head := _HEAD.match(buffer)):
            buffer = buffer[head.end() :]
        begun = True
        position = 0
        while True:
            position = _start(buffer, position)
            try:
                event, position = _DECODER.raw_decode(buffer, position)
            except (ValueError, RecursionError):
                break
            number += 1
            if isinstance(event, Mapping):
                yield number, event
            else:
                faults.line(path, number, f"record {number} is not a JSON object")
        buffer = buffer[position:]
        if len(buffer) > MAX_LINE:
            faults.file(path, f"record {number + 1} is not JSON, or longer than {MAX_LINE:,} characters")
            return
    if buffer.strip(" \r\n\t,]}"):
        faults.file(path, f"record {number + 1} is cut or not JSON")


def _start(buffer: str, position: int) -> int:
    found = _BETWEEN.match(buffer, position)
    return found.end() if found else position


def _event(event: Mapping[str, Any], log: AccessLog, places: Places, own: Own) -> None:
    if _DIGEST in event:
        return
    name, service = name_of(event.get("eventName")), name_of(event.get("eventSource"))
    if not name or not service:
        raise ValueError("it is no CloudTrail event: it has no eventName or eventSource")
    at = int(past(moment(event.get("eventTime"))).timestamp())
    log.see("", at)
    if not service.startswith("s3"):
        return
    request = event.get("requestParameters")
    place = _place(name, request if isinstance(request, Mapping) else {})
    if not place:
        return
    dataset, failed = places.at(place), bool(event.get("errorCode"))
    if name not in READS and name not in _COPIES and not (failed and name == _ASKS):
        return
    if dataset is not None and name != _ASKS:
        log.covered.setdefault(dataset, "")
    reader, agent = _reader(event.get("userIdentity"), event), name_of(event.get("userAgent"))
    if not (own.is_own(reader) or own.is_own(agent.strip("[]"))):
        (log.failed if failed else log.read)(dataset, reader, at)


def _place(name: str, request: Mapping[str, Any]) -> str:
    """The URL of the object that an event reads or writes; empty where it is of no object."""
    if name in _COPIES:
        source = name_of(request.get(_COPY_SOURCE)).lstrip("/")
        return f"s3://{source}" if source else ""
    bucket, key = name_of(request.get("bucketName")), name_of(request.get("key"))
    return f"s3://{bucket}/{key}" if bucket and key else ""


def _reader(identity: Any, event: Mapping[str, Any]) -> str:
    """The principal: a role rather than each of its sessions, so that the tasks of one job are one reader."""
    known = identity if isinstance(identity, Mapping) else {}
    context = known.get("sessionContext")
    issuer = context.get("sessionIssuer") if isinstance(context, Mapping) else None
    if isinstance(issuer, Mapping) and (role := name_of(issuer.get("arn"))):
        return role
    for key in ("arn", "principalId", "invokedBy", "accountId"):
        if found := name_of(known.get(key)):
            return found
    return f"anonymous at {name_of(event.get('sourceIPAddress'))}"
