"""Older versions of objects: how long a bucket keeps them, and copying one of them. On S3 only, by boto3."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from r2d2.errors import LakeError
from r2d2.lake.file_tree import shown
from r2d2.lake.object_client import s3_config
from r2d2.lake.urls import SAME_STORE, split_url

#: Classes out of which nothing can be read at once.
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")


def versions_kept_for(url: str) -> timedelta:
    """How long at least objects below a URL can be read after they were overwritten or deleted; 0 for not at all.

    Raises:
        LakeError: it can't be told.
    """
    bucket, prefix = _s3_place(url)
    with _asked(url):
        client = _client()
        if client.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
            return timedelta(0)
        rules = _rules(client, bucket)
    days = [days for rule in rules if _concerns(rule, prefix) for days in _days(rule)]
    return min((timedelta(days=number) for number in days), default=timedelta.max)


def version_with(url: str, tag: str) -> str:
    """The id of that version of an object, or of what it was before, which has an ETag; empty if there is none.

    Raises:
        LakeError: it can't be told.
    """
    bucket, key = _s3_place(url)
    with _asked(url):
        pages = _client().get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
        for page in pages:
            for version in page.get("Versions", ()):
                if version["Key"] == key and version["ETag"].strip('"') == tag.strip('"'):
                    return str(version["VersionId"])
    return ""


def copy_version(url: str, version: str, target: str) -> None:
    """Copies a version of an object.

    Raises:
        LakeError: it can't be copied.
    """
    bucket, key = _s3_place(url)
    to_bucket, to_key = _s3_place(target)
    with _asked(url):
        _client().copy({"Bucket": bucket, "Key": key, "VersionId": version}, to_bucket, to_key)


def can_be_told(url: str) -> bool:
    """Whether older versions are looked at in the store of a URL."""
    scheme = split_url(url)[0]
    return SAME_STORE.get(scheme, scheme) == "s3"


def _s3_place(url: str) -> tuple[str, str]:
    _, bucket, path = split_url(url)
    if not can_be_told(url):
        raise LakeError(f"older versions of {shown(url)} are not looked at", "only those on S3 are")
    return bucket, path.strip("/")


def _client() -> Any:
    import boto3

    config = s3_config(os.environ)
    return boto3.client("s3", region_name=config.get("region"), endpoint_url=config.get("endpoint"))


@contextmanager
def _asked(url: str) -> Iterator[None]:
    try:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        hint = "pip install boto3 (or r2d2[s3])"
        raise LakeError("older versions of objects are looked at by boto3, which is not installed", hint) from error
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        hint = "give the rights s3:GetBucketVersioning, s3:GetLifecycleConfiguration and s3:ListBucketVersions"
        raise LakeError(f"{shown(url)}: {shown(str(error))}", hint) from error


def _rules(client: Any, bucket: str) -> list[Mapping[str, Any]]:
    from botocore.exceptions import ClientError

    try:
        found = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return []
    return [rule for rule in found if rule.get("Status") == "Enabled"]


def _concerns(rule: Mapping[str, Any], prefix: str) -> bool:
    """Whether a rule may be about objects below a prefix; what it asks of tags and sizes may always be so."""
    asked = rule.get("Filter") or {}
    own = str(asked.get("Prefix") or asked.get("And", {}).get("Prefix") or rule.get("Prefix") or "")
    return prefix.startswith(own) or own.startswith(prefix)


def _days(rule: Mapping[str, Any]) -> Iterator[int]:
    """Days after which it takes older versions away, or into an archive."""
    expiry = rule.get("NoncurrentVersionExpiration", {})
    if "NoncurrentDays" in expiry:
        yield int(expiry["NoncurrentDays"])
    for move in rule.get("NoncurrentVersionTransitions", ()):
        if move.get("StorageClass") in _ARCHIVES:
            yield int(move.get("NoncurrentDays", 0))
