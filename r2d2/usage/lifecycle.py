"""Lifecycle rules of S3 buckets: when objects of a dataset are removed by themselves.

A file is what ``aws s3api get-bucket-lifecycle-configuration --bucket B`` prints, called ``B.json``: it does not say
itself of which bucket it is.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from r2d2.lake.file_tree import shown
from r2d2.lake.urls import split_url
from r2d2.model.dataset import DataFile, Dataset
from r2d2.usage.draft import Draft
from r2d2.usage.places import by_bucket, canonical
from r2d2.usage.sources import Faults, files, moment, name_of, whole_json

SETTING = "lifecycle"
_DAY_NS = 86_400 * 1_000_000_000


@dataclass(frozen=True)
class Rule:
    """A rule that removes current objects: so many days after they were written, or at a date.

    Attributes:
        above, below: bytes that an object must have more, and fewer of.
        tags: what an object must carry, too; no listing tells.
    """

    name: str
    prefix: str
    days: int | None
    date: datetime | None
    above: float
    below: float
    tags: tuple[str, ...]

    def removes(self, file: DataFile) -> datetime | None:
        """When it removes a file, if it does; S3 rounds up to the next midnight UTC."""
        key = split_url(canonical(file.path))[2].removeprefix("/")
        if not key.startswith(self.prefix) or not self.above < file.size < self.below:
            return None
        if self.date is not None:
            return self.date
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=math.ceil(file.mtime_ns / _DAY_NS) + (self.days or 0))


def lifecycle(entries: Sequence[str], datasets: Sequence[Dataset], drafts: Sequence[Draft]) -> Faults:
    """Reads the files and says when the first file of each dataset goes; gives what is wrong with them."""
    faults = Faults(SETTING)
    buckets = by_bucket(datasets)
    for path in files(entries, faults):
        bucket = path.rpartition("/")[2].removesuffix(".json")
        content = whole_json(path, faults)
        if content is None:
            continue
        if bucket not in buckets:
            faults.file(path, f"no dataset is in a bucket called {bucket}: the file must be called after its bucket")
        try:
            for rule in _rules(content):
                _apply(rule, buckets.get(bucket, ()), datasets, drafts, path, faults)
        except ValueError as error:
            faults.file(path, str(error))
    return faults


def _apply(
    rule: Rule, of: Sequence[int], datasets: Sequence[Dataset], drafts: Sequence[Draft], path: str, faults: Faults
) -> None:
    for index in of:
        when = min((at for file in datasets[index].files if (at := rule.removes(file))), default=None)
        if when is None:
            continue
        condition = f", if its objects carry {', '.join(rule.tags)}" if rule.tags else ""
        drafts[index].expires_at(when, f"lifecycle rule {rule.name}{condition}")
        if rule.tags:
            what = f"rule {shown(rule.name)} is for tagged objects, and tags can't be seen: it is taken to hold"
            faults.file(path, f"{what}; a fact (expires) can say otherwise")


def _rules(content: Mapping[str, Any]) -> Iterator[Rule]:
    """The enabled rules that remove current objects.

    Raises:
        ValueError: something is not as S3 writes it.
    """
    if "Rules" not in content:
        raise ValueError("it has no Rules")
    for rule in content["Rules"] if isinstance(content["Rules"], list) else [None]:
        if not isinstance(rule, Mapping) or rule.get("Status") not in ("Enabled", "Disabled"):
            raise ValueError("it has a rule without a status")
        expiration = rule.get("Expiration")
        if rule["Status"] == "Enabled" and isinstance(expiration, Mapping) and {"Days", "Date"} & expiration.keys():
            yield _rule(rule, expiration)


def _rule(rule: Mapping[str, Any], expiration: Mapping[str, Any]) -> Rule:
    given = rule.get("Filter")
    chosen = given if isinstance(given, Mapping) else {}
    several = chosen.get("And")
    chosen = several if isinstance(several, Mapping) else chosen
    tags = [*(chosen.get("Tags") or []), *([chosen["Tag"]] if "Tag" in chosen else [])]
    days = expiration.get("Days")
    if days is not None and (type(days) is not int or not 0 < days < 1_000_000):
        raise ValueError(f"rule {rule.get('ID')} has Days that are no number of days")
    return Rule(
        name=name_of(rule.get("ID")) or "without a name",
        prefix=str(chosen.get("Prefix", rule.get("Prefix", "")) or ""),
        days=days,
        date=None if days is not None else moment(expiration.get("Date")),
        above=_size(chosen.get("ObjectSizeGreaterThan"), -1),
        below=_size(chosen.get("ObjectSizeLessThan"), math.inf),
        tags=tuple(
            f"{name_of(tag.get('Key'))}={name_of(tag.get('Value'))}" for tag in tags if isinstance(tag, Mapping)
        ),
    )


def _size(value: Any, default: float) -> float:
    if value is None:
        return default
    if type(value) is not int:
        raise ValueError("it has a size that is no number of bytes")
    return value
