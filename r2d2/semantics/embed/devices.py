"""Where torch runs a model."""

from __future__ import annotations

from r2d2.errors import EnvironmentMissing

#: What to do where torch or a model of it is missing.
GPU_EXTRA = "pip install 'r2d2[gpu]', or semantics.model=static, which needs neither torch nor a GPU"


def device_of(setting: str) -> str:
    """``cuda`` or ``cpu``; torch takes seconds to load.

    Args:
        setting: ``auto`` for a GPU where there is one that torch can use, else the device itself.

    Raises:
        EnvironmentMissing: a GPU is asked for, and there is none, or no torch.
    """
    if setting == "cpu":
        return setting
    try:
        import torch
    except ImportError as error:
        if setting == "auto":
            return "cpu"
        raise EnvironmentMissing("semantics.device=cuda needs torch, which is not installed", GPU_EXTRA) from error
    if torch.cuda.is_available():
        return "cuda"
    if setting == "auto":
        return "cpu"
    hint = "semantics.device=auto takes the CPU where there is no GPU"
    raise EnvironmentMissing("semantics.device=cuda: torch finds no GPU on this machine", hint)
