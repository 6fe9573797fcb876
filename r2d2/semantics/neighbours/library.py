"""faiss, told which kernels this CPU can run.

Its wheel carries OpenBLAS 0.3.15, of 2021, which takes CPUs that it does not know for one of 2004. *Measured* (50,000
vectors of 256 dimensions compared with each other, an Intel Xeon of 2023, seconds of CPU): 68 so, 23 when told.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CORE = "OPENBLAS_CORETYPE"
#: Kernels by what a CPU must have for them, the fastest first.
_KERNELS = (("SKYLAKEX", {"avx512f", "avx512bw", "avx512dq", "avx512vl"}), ("HASWELL", {"avx2", "fma"}))


def kernels(cpu: Path = Path("/proc/cpuinfo")) -> str:
    """The name of the fastest ones; empty where that is not known."""
    try:
        lines = cpu.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ""
    flags = next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())
    return next((name for name, needed in _KERNELS if needed <= flags), "")


@contextmanager
def _told() -> Iterator[None]:
    """OpenBLAS reads its variable once, as it is loaded; what a user set stays, and no other library sees ours."""
    name = kernels()
    if not name or _CORE in os.environ:
        yield
        return
    os.environ[_CORE] = name
    try:
        yield
    finally:
        del os.environ[_CORE]


with _told():
    import faiss

__all__ = ["faiss", "kernels"]
