"""The three ways to tell rows apart (``containment.verify``), as SQL over what one scan delivers.

* ``hash``: two fast 64-bit hashes (``hashing``). Accidents are ruled out, writers who make collisions are not.
* ``keyed``: the first 128 bits of HMAC-SHA256 (RFC 2104) over the row's encoding (docs/encoding.md), with a secret of
  the state: nobody who does not know it can make two rows, or two bags of rows, that look equal.
* ``values``: the encoding itself. Used in the join, which then compares rows and not their hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

#: Bytes of a block of SHA-256, to which HMAC fills the key.
_BLOCK = 64
_INNER, _OUTER = 0x36, 0x5C


@dataclass(frozen=True)
class RowHash:
    """How rows are hashed: by DuckDB's hash, or with a key where there is one.

    Attributes:
        key: the secret as hexadecimal digits; empty for the fast hash.
        values: each row's encoding comes along, in ``row<p>``.
    """

    key: str = ""
    values: bool = False

    @property
    def fingerprint(self) -> str:
        """Tells results of one key from those of another, and gives nothing of it away."""
        return hashlib.sha256(f"r2d2 fingerprint {self.key}".encode("ascii")).hexdigest()[:16] if self.key else ""

    @property
    def encodes(self) -> bool:
        """Whether it needs the encoding of rows rather than hashes of leaves."""
        return bool(self.key) or self.values


FAST = RowHash()


def encoded_row(parts: Sequence[str]) -> str:
    """SQL VARCHAR of a row's encoding from the columns that hold the parts of its leaves."""
    return f"concat({', '.join(parts)})"


def mac(key: str, row: str) -> str:
    """SQL of the HMAC-SHA256 of a VARCHAR, as 64 hexadecimal digits."""
    block = bytes.fromhex(key).ljust(_BLOCK, b"\0")
    inner, outer = (f"unhex('{bytes(byte ^ pad for byte in block).hex()}')" for pad in (_INNER, _OUTER))
    return f"sha256({outer} || unhex(sha256({inner} || encode({row}))))"


def leading_halves(digest: str) -> tuple[str, str]:
    """SQL of the first and the second 64 bits of a digest in hexadecimal digits."""
    return limb(digest, 0), limb(digest, 1)


def limb(digest: str, number: int) -> str:
    """SQL of 64 bits of a digest in hexadecimal digits as a UBIGINT, the most significant ones first."""
    return f"('0x' || {digest}[{16 * number + 1}:{16 * number + 16}])::UBIGINT"
