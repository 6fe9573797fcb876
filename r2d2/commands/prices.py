"""``r2d2 prices``: the price sheets, each figure with the page that sets it and the date of that."""

from __future__ import annotations

from r2d2.commands.output import print_rows
from r2d2.retention.prices import price_rows

PRICE_COLUMNS = ("sheet", "class", "figure", "value", "unit", "as_of", "source", "note")


def show_prices(output: str) -> None:
    """Prints all figures; a figure without a class holds for the whole sheet."""
    print_rows(price_rows(), PRICE_COLUMNS, output)
