"""Lists a million objects of a bucket that a small server makes up: time, requests and memory (benchmarks/README.md).

python -m benchmarks.listing [--objects N] [--latency MS]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import time
from bisect import bisect_left, bisect_right
from urllib.parse import parse_qsl, urlsplit

PAGE = 1000
SHAPES = {
    "tables": "warehouse/db{0:02d}/table{1:03d}/day={2:03d}/part-{3:07d}.parquet",
    "flat": "part-{3:07d}.parquet",
}


def keys_of(shape: str, number: int) -> list[str]:
    """Sorted keys: 20 databases of 50 tables of 100 days, or one directory."""
    pattern = SHAPES[shape]
    return sorted(pattern.format(i % 20, i // 20 % 50, i // 1000 % 100, i) for i in range(number))


def page_of(keys: list[str], asked: dict[str, str]) -> bytes:
    """One answer to ListObjectsV2."""
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    after = asked.get("continuation-token") or asked.get("start-after", "")
    at = max(bisect_left(keys, prefix), bisect_right(keys, after) if after else 0)
    parts, last, count = [], "", 0
    while at < len(keys) and keys[at].startswith(prefix) and count < PAGE:
        cut = keys[at].find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            parts.append(
                f"<Contents><Key>{keys[at]}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>&quot;{hash(keys[at]) & (2**128 - 1):032x}&quot;</ETag><Size>0</Size></Contents>"
            )
            last, at = keys[at], at + 1
        else:
            parts.append(f"<CommonPrefixes><Prefix>{keys[at][: cut + 1]}</Prefix></CommonPrefixes>")
            at = bisect_left(keys, keys[at][:cut] + chr(ord(delimiter) + 1))
            last = keys[at - 1]
        count += 1
    more = at < len(keys) and keys[at].startswith(prefix)
    token = f"<NextContinuationToken>{last}</NextContinuationToken>" if more else ""
    return (
        f"<ListBucketResult><KeyCount>{count}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{token}{''.join(parts)}</ListBucketResult>"
    ).encode()


async def serve(shape: str, number: int, latency: float) -> None:
    """Answers listings after a wait, as a store does; says its port when it is ready."""
    keys = keys_of(shape, number)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b" ", 2)
                await asyncio.sleep(latency)
                query = urlsplit(target.decode()).query
                body = page_of(keys, dict(parse_qsl(query, keep_blank_values=True)))
                status = b"200 OK" if method == b"GET" else b"404 Not Found"
                writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def measure(what: str) -> None:
    """In a process of its own: how long it takes and how much memory it adds to that of the imports."""
    from r2d2.catalog.discovery import discover
    from r2d2.config import DiscoverySettings
    from r2d2.lake.object_listing import pages
    from r2d2.lake.object_storage import ObjectStorage

    storage, before, begun = ObjectStorage("s3://bucket"), peak(), time.monotonic()
    if what == "pages":
        found = sum(len(page) for page in pages(storage.client, "", lambda _: False, lambda _: ([], [], [])))
    elif what == "tree":
        found = len(storage.tree("s3://bucket", []).files)
    else:
        listing = discover(["s3://bucket"], DiscoverySettings(), None, None)
        found = sum(len(candidate.files) for candidate in listing.candidates)
    print(f"{found} {time.monotonic() - begun:.1f} {peak() - before:.0f}", flush=True)


def peak() -> float:
    """Memory of this process at its most, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """One line for each shape and for each thing that is done with the listing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--latency", type=float, default=30, help="milliseconds before each answer")
    parser.add_argument("--server", choices=sorted(SHAPES), help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=("pages", "tree", "discover"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.server:
        asyncio.run(serve(given.server, given.objects, given.latency / 1000))
    if given.measure:
        measure(given.measure)
        return
    own = [sys.executable, "-m", "benchmarks.listing", "--objects", str(given.objects), "--latency", str(given.latency)]
    for shape in SHAPES:
        with subprocess.Popen([*own, "--server", shape], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            environ = os.environ | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_SKIP_SIGNATURE": "true"}
            for what in ("pages", "tree", "discover"):
                run = subprocess.run(
                    [*own, "--measure", what], env=environ, stdout=subprocess.PIPE, text=True, check=True
                )
                found, seconds, memory = run.stdout.split()
                print(f"{shape:7} {what:9} {int(found):>10,} objects {seconds:>6} s {memory:>6} MB", flush=True)
            server.kill()


if __name__ == "__main__":
    main()
