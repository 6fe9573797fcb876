"""Colours that stand for something can be told apart, by colour-blind people too, and stand out from their ground."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from r2d2.report.vega.chart import COLOURS, KINDS, Theme, colours_css

PAPER: dict[Theme, str] = {"light": "#fdfdfc", "dark": "#16181a"}
#: What light each kind of cones lets through, in linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
SIGHTS = {
    "all cones": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ @ np.ones(3)


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(colour: str, sight: str) -> np.ndarray:
    seen = np.clip(SIGHTS[sight] @ linear(colour), 0, 1)
    x, y, z = (np.cbrt(v) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in TO_XYZ @ seen / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: str, other: str) -> float:
    light, dark = sorted((float((TO_XYZ @ linear(each))[1]) for each in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", COLOURS)
def test_no_two_colours_look_alike(theme: Theme, sight: str) -> None:
    differences = {
        (KINDS[a], KINDS[b]): float(np.linalg.norm(lab(COLOURS[theme][a], sight) - lab(COLOURS[theme][b], sight)))
        for a, b in itertools.combinations(range(len(KINDS)), 2)
    }
    assert min(differences.values()) > 20, sorted(differences.items(), key=lambda item: item[1])[:4]


@pytest.mark.parametrize("theme", COLOURS)
def test_colours_stand_out_from_the_page_and_text_of_its_colour_from_them(theme: Theme) -> None:
    for colour in COLOURS[theme]:
        assert contrast(colour, PAPER[theme]) >= 4.5


def test_tables_have_the_colours_of_charts() -> None:
    light, _, dark = colours_css().partition("@media")
    for place, kind in enumerate(KINDS):
        assert f"--{kind}:{COLOURS['light'][place]};" in light
        assert f"--{kind}:{COLOURS['dark'][place]};" in dark
