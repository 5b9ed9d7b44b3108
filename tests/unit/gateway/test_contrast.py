"""Colours of the style sheet against one another: text 4.5 to 1 (WCAG 1.4.3), parts that mean something 3 to 1 (1.4.11)."""

import re

import pytest

from services.exporter.skeleton import BAD
from services.gateway.pages.static import FOLDER

_TOKEN = re.compile(r"--([\w-]+):\s*light-dark\((#[0-9a-fA-F]{6}),\s*(#[0-9a-fA-F]{6})\)")
TOKENS = {name: (light, dark) for name, light, dark in _TOKEN.findall((FOLDER / "app.css").read_text(encoding="utf8"))}

TEXT = {
    "ink": ("surface", "bg", "surface-2", "surface-3"),
    "ink-2": ("surface", "bg", "surface-2", "surface-3"),
    "ink-3": ("surface", "bg", "surface-2"),
    "link": ("surface", "bg"),
    "ok-ink": ("ok-bg", "surface", "bg"),
    "upd-ink": ("upd-bg", "surface"),
    "skip-ink": ("skip-bg",),
    "bad-ink": ("bad-bg", "surface", "bg"),
    "warn-ink": ("warn-bg", "surface", "bg"),
    "cell-ink": ("cell-bg",),
    "action-ink": ("action", "action-hover"),
    "danger-ink": ("danger",),
    "mark-ink": ("mark",),
}
PARTS = {
    "control": ("surface", "bg"),
    "focus": ("surface", "bg"),
    "ok": ("surface", "track"),
    "upd": ("surface",),
    "skip": ("surface",),
    "bad": ("surface", "track"),
    "warn": ("surface",),
    "run": ("surface", "track"),
}
PAIRS = [
    (floor, front, back)
    for floor, pairs in ((4.5, TEXT), (3.0, PARTS))
    for front, backs in pairs.items()
    for back in backs
]


def luminance(colour: str) -> float:
    """How light a colour is, from 0 to 1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1, the same, to 21, black on white."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_21_to_1() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("floor", "front", "back"), PAIRS)
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_what_is_read_or_means_something_stands_out(floor: float, front: str, back: str, scheme: int) -> None:
    assert contrast(TOKENS[front][scheme], TOKENS[back][scheme]) >= floor


def test_the_red_of_a_cell_is_the_workbooks() -> None:
    assert TOKENS["cell-bg"][0].upper() == BAD
