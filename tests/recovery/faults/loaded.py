"""What the process that others are forked from has loaded: modules only, nothing that starts a thread."""

from __future__ import annotations

import obstore.store  # noqa: F401
import pytest  # noqa: F401

import tests.recovery.faults.operations  # noqa: F401
