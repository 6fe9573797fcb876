"""The client of one bucket or container: who it is, and which credentials it uses."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from obstore.store import AzureStore, GCSStore, S3Store

from r2d2.errors import EnvironmentMissing, UsageError
from r2d2.lake.object_errors import reason_of
from r2d2.lake.object_requests import Requests
from r2d2.lake.urls import SAME_STORE, split_url
from r2d2.version import __version__

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

#: Schemes of stores that are reached so, each in its one spelling (``urls.SAME_STORE``).
OBJECT_STORES = ("s3", "gs", "abfs", "az")
#: What urllib drops from a URL, or leaves in it, ends the client by a panic.
_PRINTED = re.compile(r"[!-~]+")
#: A request that gets no byte for half a minute is sent again; one that gets some may take as long as it takes.
_STALLED, _LONGEST = timedelta(seconds=30), timedelta(minutes=30)
_RETRY: RetryConfig = {
    "max_retries": 10,
    "retry_timeout": timedelta(minutes=3),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=10), "base": 2},
}
#: Where credentials of S3 may be besides profiles; each is known to the client itself.
_OWN_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
)


def open_client(scheme: str, authority: str, environ: Mapping[str, str] = os.environ) -> Requests:
    """The client of a bucket; credentials, region and endpoint come from the environment.

    Raises:
        EnvironmentMissing: an AWS profile is to be used, and boto3 that reads profiles is not installed.
    """
    options = _client_options(environ, _endpoint(scheme, environ))
    if scheme == "s3":
        provider = _profile(environ) if _needs_profile(environ) else None
        # Amazon's own way to copy only where nothing is; it leaves tags and attributes behind
        config: Any = {"copy_if_not_exists": "multipart", **s3_config(environ)}
        more: Any = {"client_options": options, "retry_config": _RETRY, "credential_provider": provider}
        return Requests(S3Store(authority, config=config, **more))
    if scheme == "gs":
        return Requests(GCSStore(authority, client_options=options, retry_config=_RETRY))
    return Requests(AzureStore.from_url(f"{scheme}://{authority}", client_options=options, retry_config=_RETRY))


def s3_config(environ: Mapping[str, str]) -> dict[str, str]:
    """Endpoint and region, as far as the environment gives them."""
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    endpoint = _endpoint("s3", environ)
    return ({"region": region} if region else {}) | ({"endpoint": endpoint} if endpoint else {})


def delta_url(location: str) -> str:
    """A path or URL as delta-rs takes it: it reads URLs with percent-encoding."""
    if "://" not in location:
        return location
    scheme, authority, path = split_url(location)
    return f"{scheme}://{authority}{quote(path)}"


def delta_options(url: str) -> dict[str, str] | None:
    """What delta-rs has to be told besides the environment, which it reads itself; nothing for a local path."""
    if "://" not in url:
        return None
    scheme = SAME_STORE.get(split_url(url)[0], split_url(url)[0])
    client = _client_options(os.environ, _endpoint(scheme, os.environ))
    options = {"user_agent": str(client["user_agent"]), "allow_http": str(client["allow_http"]).lower()}
    if scheme != "s3":
        return options
    config = dict(_profile(os.environ).config if _needs_profile(os.environ) else {}) | s3_config(os.environ)
    return options | {f"aws_{name}": value for name, value in config.items()} | {"aws_conditional_put": "etag"}


def _endpoint(scheme: str, environ: Mapping[str, str]) -> str:
    """Where the store is, if the environment says so; it is shown by Spark and in messages.

    Raises:
        UsageError: that is no URL of a server, or it holds credentials.
    """
    names = {"s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), "gs": ("GOOGLE_BASE_URL",)}
    name = next((name for name in names.get(scheme, ("AZURE_STORAGE_ENDPOINT",)) if environ.get(name)), "")
    given = environ.get(name, "")
    url = given if "://" in given or not given else f"https://{given}"
    if url and not _is_server(url):
        raise UsageError(f"{name} is not the URL of a server", "give it as https://HOST:PORT, without credentials")
    return url.rstrip("/")


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            bool(_PRINTED.fullmatch(url))
            and parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in url
            and parts.port != 0
        )
    except ValueError:  # a port that is none
        return False


def _client_options(environ: Mapping[str, str], endpoint: str) -> ClientConfig:
    # as the AWS SDK spells it, so that access logs tell r2d2's own reads (usage.own)
    agent = f"r2d2/{__version__} app/{environ.get('AWS_SDK_UA_APP_ID') or 'r2d2'}"
    plain = endpoint.startswith("http://") or environ.get("AZURE_STORAGE_USE_EMULATOR", "") not in ("", "false", "0")
    return {"allow_http": plain, "user_agent": agent, "timeout": _LONGEST, "read_timeout": _STALLED}


def _needs_profile(environ: Mapping[str, str]) -> bool:
    if any(environ.get(name) for name in _OWN_CREDENTIALS):
        return False
    home = Path(environ.get("HOME", "")) / ".aws"
    kept = Path(environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials")
    settings = Path(environ.get("AWS_CONFIG_FILE") or home / "config")
    # settings alone may be no more than a region, beside the credentials of the machine
    return bool(environ.get("AWS_PROFILE")) or kept.is_file() or (settings.is_file() and bool(find_spec("boto3")))


def _profile(environ: Mapping[str, str]) -> Any:
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError as error:
        hint = "pip install boto3 (or r2d2[s3]), or give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise EnvironmentMissing("AWS profiles are read by boto3, which is not installed", hint) from error
    try:
        return Boto3CredentialProvider()
    except Exception as error:
        hint = "look at AWS_PROFILE and at ~/.aws/config, or give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        name = environ.get("AWS_PROFILE") or "default"
        raise EnvironmentMissing(f"AWS profile {name} gives no credentials: {reason_of(error)}", hint) from error
