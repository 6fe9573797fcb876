"""A lake and a state in a bucket, and the faults that a store has."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.recovery.faults.operations import Operation
from tests.recovery.faults.processes import Outcome, run
from tests.recovery.faults.small_worlds import build
from tests.recovery.faults.snapshots import Snapshot, hashed
from tests.recovery.faults.store_calls import CHANGES, StoreFault, Watched
from tests.s3_servers import set_written_at, written_at


class StoreWorld:
    """All of a bucket.

    Args:
        environ: leads to the endpoint, through the proxy that ``watched`` speaks for.
        client: not r2d2's, straight to the endpoint.
    """

    def __init__(
        self, kind: str, bucket: str, environ: Mapping[str, str], watched: Watched, client: Any, directory: Path
    ) -> None:
        self.lake, self.state = f"s3://{bucket}/lake", f"s3://{bucket}/state"
        self.environ, self.watched, self.exact = environ, watched, True
        self._bucket, self._client = bucket, client
        self._requests: list[str] = []
        self._copy = directory.with_name("copy")
        build(kind, directory / "lake")
        files = [path for path in directory.rglob("*") if path.is_file()]
        self._beginning = {str(path.relative_to(directory)): path.read_bytes() for path in files}
        self._times: dict[str, datetime] = {}
        self.original = {hashed(content) for content in self._beginning.values()}

    def fresh(self) -> None:
        self.watched.watch(StoreFault("killed before", 0))
        now, versions = self._objects(), self._versions()
        changed = {key for key in versions if now.get(key) != self._beginning.get(key)}
        gone = [{"Key": key, "VersionId": version} for key in changed for version in versions[key]]
        for start in range(0, len(gone), 1000):
            self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": gone[start : start + 1000]})
        made = self._beginning.keys() - (now.keys() - changed)
        for key in made:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=self._beginning[key])
        set_written_at(self._bucket, {key: self._times[key] for key in made & self._times.keys()})

    def keep(self) -> None:
        self._beginning, self._times = self._objects(), written_at(self._bucket)

    def everything(self) -> Snapshot:
        objects = self._objects("lake/")
        return {key.removeprefix("lake/"): (hashed(found), 0) for key, found in objects.items()}

    def files(self) -> Path:
        shutil.rmtree(self._copy, ignore_errors=True)
        for key, content in self._objects("lake/").items():
            path = self._copy / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return self._copy / "lake"

    def runs(self, operation: Operation) -> Outcome:
        return self.meets(operation, StoreFault("killed before", 0))

    def faults(self) -> Iterator[StoreFault]:
        """A kill before a change finds what one after the change before it does, but for the last."""
        changes = [request for request in self._requests if request.startswith(CHANGES)]
        for number, call in enumerate(changes, 1):
            yield StoreFault("killed before", number, call=call)
        yield StoreFault("killed after", len(changes), call=changes[-1])
        for number, call in enumerate(self._requests, 1):
            yield from (StoreFault(way, number, call=call) for way in ("500", "503", "reset", "lost answer", "403"))
            yield StoreFault("403", number, 1, call)
        for every in (2, 3, 5, 7):
            yield from (StoreFault(way, 1, every) for way in ("503", "reset", "lost answer", "cut answer"))

    def meets(self, operation: Operation, fault: StoreFault) -> Outcome:
        self.watched.watch(fault)
        started = self.watched.started
        outcome = run([operation.run], self.lake, self.state, environ=self.environ, started=started)
        self._requests = self.watched.requests
        self.watched.watch(StoreFault("killed before", 0))
        return outcome

    def _versions(self) -> dict[str, list[str]]:
        """Of each key, what was deleted included."""
        found: dict[str, list[str]] = defaultdict(list)
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket):
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                found[entry["Key"]].append(entry["VersionId"])
        return found

    def _objects(self, prefix: str = "") -> dict[str, bytes]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return {key: self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read() for key in keys}
