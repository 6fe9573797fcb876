"""What the process that others are forked from has loaded: modules only, nothing that starts a thread."""

from __future__ import annotations

from importlib import import_module

for name in ("pytest", "obstore.store", "r2d2.catalog.commit", "tests.recovery.faults.guarding"):
    import_module(name)
