"""URLs of stores, and what may be said of them: nothing that R2D2 prints or keeps carries a credential."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

from r2d2.errors import LakeError

#: Several schemes of one store: the same object has one identity, however it is spelled.
SAME_STORE = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfss": "abfs", "az": "abfs", "wasbs": "wasb", "ssh": "sftp"}
#: Schemes whose URLs name a host, and the port that is meant where none is named.
_PORTS = {"hdfs": "8020", "sftp": "22", "ftp": "21"}
#: A secret may hold a slash: what follows a colon up to ``@`` is one, unless it is a port.
_USER_INFO = re.compile(r"://[^/\s@:]*:(?!\d+/)[^\s@]*@|(?<=\bs3)([an]?)://[^/\s@:]*:[^\s@]*@")
_SECRET_FIELD = re.compile(r"(?i)([\w-]*(?:secret|token|key|password|signature|sig)[\w-]*=)[^&\s]+")
_SECRET_VARIABLE = re.compile(
    r"(?i)secret|token|password|api_key|account_key|master_key|storage_access_key|sas|service_account"
)
#: Shorter values of such variables are words like ``true``, not secrets.
_SHORTEST_SECRET = 6


def without_credentials(text: str) -> str:
    """``text`` with user names and secrets in URLs blanked, and every secret that the environment holds.

    >>> without_credentials("s3://me:hidden@bucket/x?secret_key=abc")
    's3://***@bucket/x?secret_key=***'
    """
    blanked = _SECRET_FIELD.sub(r"\1***", _USER_INFO.sub(r"\1://***@", text))
    for secret in _secrets():
        blanked = blanked.replace(secret, "***")
    return blanked


def split_url(url: str) -> tuple[str, str, str]:
    """Scheme (lower case), authority and path of a URL; the path is taken as it is, without percent-decoding."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return scheme.lower(), authority, slash + path


def url_key(url: str) -> str:
    """The key of the object at a URL, or of a directory without the slash at its end."""
    return split_url(url)[2].strip("/")


def is_spelled(key: str) -> bool:
    """Whether a URL spells the key of an object: it has no empty or dotted part, and no control character."""
    if any(part in ("", ".", "..") for part in key.split("/")):
        return False
    return not any(ord(letter) < 32 or ord(letter) == 127 for letter in key)


def url_identity(url: str) -> str:
    """The one spelling of an object's URL; no store is asked.

    >>> url_identity("s3a://bucket//x/") == url_identity("s3://bucket/x")
    True
    """
    scheme, authority, _ = split_url(url)
    scheme = SAME_STORE.get(scheme, scheme)
    if scheme == "abfs":  # az://container, abfs://container@account, abfss://container@account.dfs.core.windows.net
        container, _, account = authority.partition("@")
        account = account.partition(".")[0] or os.environ.get("AZURE_STORAGE_ACCOUNT_NAME", "")
        authority = f"{container}@{account}" if account else container
    if scheme in _PORTS:
        user, at, host = authority.rpartition("@")
        authority = f"{user}{at}{host.lower().removesuffix(f':{_PORTS[scheme]}')}"
    return f"{scheme}://{authority}/{url_key(url)}".rstrip("/")


def url_inside(url: str, within: Sequence[str]) -> bool:
    """Whether a URL is one of ``within`` or lies below one; stores have no links."""
    identity = url_identity(url)
    return any(identity == root or identity.startswith(f"{root}/") for root in map(url_identity, within))


def refuse_credentials(url: str) -> None:
    """A root is kept in the state and shown in reports, so that it must not hold a secret.

    Raises:
        LakeError: the URL carries credentials.
    """
    scheme, authority, _ = split_url(url)
    user, _, host = authority.rpartition("@")
    port = host.partition(":")[2]
    if ":" in user or (not port.isdecimal() and port) or (SAME_STORE.get(scheme, scheme) == "s3" and (user or port)):
        raise LakeError(
            f"{without_credentials(url)}: a root must not carry credentials, they would end in the state",
            "give them through the environment, for example AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )


def _secrets() -> list[str]:
    """Values of the environment that must not be repeated, the longest first, in every spelling that URLs give them."""
    found = {v for k, v in os.environ.items() if _SECRET_VARIABLE.search(k) and len(v) >= _SHORTEST_SECRET}
    spelled = {
        spelling for value in found for spelling in (value, quote(value, safe=""), quote(value), quote_plus(value))
    }
    # a path is where a secret is kept, not one
    return sorted((text for text in spelled if not os.path.isabs(text)), key=len, reverse=True)
