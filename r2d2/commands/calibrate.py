"""``r2d2 calibrate``: the speeds of rebuilds on the store at hand, as settings."""

from __future__ import annotations

from dataclasses import asdict

from r2d2.commands.output import print_object
from r2d2.config import Settings
from r2d2.errors import UsageError
from r2d2.progress import Progress
from r2d2.quantities import SIZE_HINT, size_of
from r2d2.retention.calibration import Calibration, Throughput
from r2d2.retention.calibration import calibrate as measure
from r2d2.units import human_bytes, human_seconds, plural


def calibrate(where: str, size: str, settings: Settings, progress: Progress, output: str) -> None:
    """Prints the settings to use, as TOML after what was measured, or all of it as JSON.

    Raises:
        UsageError: ``size`` is no size.
        LakeError: ``where`` is no directory that can be written to.
    """
    try:
        wanted = size_of(size)
    except ValueError:
        raise UsageError(f"--bytes {size} is not a size", SIZE_HINT) from None
    progress.say(f"writing and reading about {human_bytes(wanted)} in a scratch directory, which is removed afterwards")
    found = measure(where, wanted, settings.spark)
    if output == "json":
        print_object({"settings": found.settings, "measured": asdict(found)})
        return
    for line in _lines(found):
        print(line)


def _lines(found: Calibration) -> list[str]:
    return [
        f"# {human_bytes(found.bytes)} of Parquet, {plural(found.cores, 'core')}; p95: 95 of 100 are not slower",
        f"# start-up {human_seconds(found.startup_seconds)}",
        f"# reading  {_speeds(found.read)}",
        f"# writing  {_speeds(found.write)}",
        "[retention]",
        *(f"{key.removeprefix('retention.')} = {value:g}" for key, value in found.settings.items()),
    ]


def _speeds(speeds: Throughput) -> str:
    return f"{speeds.slow:,.0f} MB/s (p95), {speeds.median:,.0f} (median), {speeds.together:,.0f} all cores together"
