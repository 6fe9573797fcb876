"""What a run itself costs, by what its stages took."""

from __future__ import annotations

import math
from collections.abc import Iterable

from r2d2.config import RetentionSettings
from r2d2.model.funnel import StageFigures
from r2d2.retention.prices import default_class, price_sheet
from r2d2.retention.transfers import compute_cost, requests_cost


def run_cost(stages: Iterable[StageFigures], cores: int, settings: RetentionSettings) -> float:
    """Money for the cores while the stages ran, for requests, and for what is retrieved of the default class.

    Args:
        cores: that were held all the time.
    """
    prices, sheet = default_class(settings), price_sheet(settings)
    parts = []
    for stage in stages:
        requests = max(stage.files_read, math.ceil(stage.bytes_read / sheet.part_bytes))
        parts.append(compute_cost(stage.seconds * cores, settings) + requests_cost(requests, prices.read))
        parts.append(stage.bytes_read / sheet.gb * prices.retrieval)
    return math.fsum(parts)
