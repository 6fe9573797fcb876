"""S3 server access logs: one line for each request to a bucket.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote

from r2d2.usage.accesses import AccessLog, LogKind, Own
from r2d2.usage.places import Places, by_bucket
from r2d2.usage.sources import Faults, Line, files, lines, name_of, past

SETTING = "s3_logs"
#: Operations that give out the content of an object. HEAD, listings and writes do not, nor does the lifecycle.
READS = frozenset(
    {
        "REST.GET.OBJECT",
        "REST.COPY.OBJECT_GET",
        "REST.COPY.PART_GET",
        "REST.SELECT.OBJECT_CONTENT",
        "REST.POST.OBJECT_SELECT",
        "WEBSITE.GET.OBJECT",
        "SOAP.GetObject",
    }
)
#: What readers ask first of an object: that it is not there ends the read.
_ASKS = "REST.HEAD.OBJECT"
#: Answers that a reader goes on with; 304 says that what it has is still good.
_ANSWERED = frozenset({"200", "206", "304"})
#: Bucket, time, remote address, requester, operation, key, status, the rest; without owner, request id and URI.
_LINE = re.compile(r'\S+ (\S+) \[([^\]]+)\] (\S+) (\S+) \S+ (\S+) (\S+) (?:".*?"|-) (\d{3}|-) (.*)', re.DOTALL)


def s3_logs(entries: Sequence[str], places: Places, own: Own, kind: LogKind = AccessLog) -> AccessLog:
    """Reads the files. A log covers every dataset in the buckets that it has lines of: they are logged as a whole."""
    log = kind("s3 log", Faults(SETTING))
    for path in files(entries, log.faults):
        for line in lines(path, log.faults):
            _line(line, log, places, own)
    for bucket, datasets in by_bucket(places.datasets).items():
        if bucket in log.windows:
            log.covered.update(dict.fromkeys(datasets, bucket))
    return log


def _line(line: Line, log: AccessLog, places: Places, own: Own) -> None:
    found = _LINE.match(line.text)
    if found is None:
        log.faults.line(line.path, line.number, "it is no line of an S3 server access log")
        return
    bucket, time, address, requester, operation, key, status, rest = found.groups()
    try:
        at = _seconds(time)
    except ValueError as error:
        log.faults.line(line.path, line.number, str(error))
        return
    log.see(bucket, at)
    answered = status in _ANSWERED
    if operation not in READS and (answered or operation != _ASKS):
        return
    agent = rest.split('"')[3:4]  # after the referer, which is the first text in quotes
    if own.is_own(requester) or (agent and own.is_own(agent[0])):
        return
    reader = f"anonymous at {address}" if requester == "-" else requester
    (log.read if answered else log.failed)(owner_of(bucket, key, places), name_of(reader), at)


def owner_of(bucket: str, key: str, places: Places) -> int | None:
    """The dataset of an object; keys are encoded, often twice, so the spelling that leads deepest is taken."""
    if "%" not in key:
        return places.at(f"s3://{bucket}/{key}")
    once = unquote(key)
    found = [places.at(f"s3://{bucket}/{spelling}") for spelling in dict.fromkeys((key, once, unquote(once)))]
    known = [index for index in found if index is not None]
    return max(known, key=lambda index: len(places.datasets[index].location)) if known else None


def _seconds(time: str) -> int:
    """Seconds since 1970-01-01 UTC of a time such as ``06/Feb/2019:00:00:38 +0000``."""
    hour, minute, second = time[:14], time[15:17], time[18:20]
    if len(time) != 26 or time[14] != ":" or time[17] != ":" or not (minute.isdecimal() and second.isdecimal()):
        raise ValueError(f"{time[:40]!r} is not a time such as 06/Feb/2019:00:00:38 +0000")
    return _hour(hour, time[21:]) + int(minute) * 60 + int(second)


@lru_cache(maxsize=2**12)
def _hour(hour: str, zone: str) -> int:
    try:
        return int(past(datetime.strptime(f"{hour} {zone}", "%d/%b/%Y:%H %z")).timestamp())
    except ValueError as error:
        raise ValueError(f"'{hour}' is not a time at which something happened: {error}") from error
