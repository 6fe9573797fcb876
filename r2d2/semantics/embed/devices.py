"""Where torch runs a model."""

from __future__ import annotations

from r2d2.errors import EnvironmentMissing

#: What to do where torch or a model of it is missing.
GPU_EXTRA = "pip install 'r2d2[gpu]', or semantics.model=static, which needs neither torch nor a GPU"


def device_of(setting: str) -> str:
    """``cuda`` or ``cpu``.

    Args:
        setting: ``auto`` for a GPU where there is one, else the device itself.

    Raises:
        EnvironmentMissing: torch is not installed, or there is no GPU that it can use and one is asked for.
    """
    try:
        import torch
    except ImportError as error:
        raise EnvironmentMissing(f"this model runs on torch, which is not installed ({error})", GPU_EXTRA) from error
    there = torch.cuda.is_available()
    if setting == "cuda" and not there:
        hint = "semantics.device=auto takes the CPU where there is no GPU"
        raise EnvironmentMissing("semantics.device=cuda: torch finds no GPU on this machine", hint)
    return "cuda" if there and setting != "cpu" else "cpu"
