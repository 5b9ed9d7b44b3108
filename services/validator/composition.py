"""Composition: materials and their percentages, from one cell of `Name:Percent` pairs or from two cells.

How the two go together:
* Percentages belong to the materials by position, once blanks and repeats are dropped; fewer are fine (null).
* A blank between percentages is dropped only where the rest is one for each material; else it is refused,
  since dropping it would give a percentage to another material.
* Pairs and a Percentages cell must not say different things.
* A percentage is a figure above 0 and at most 100, with or without a percent sign; all together at most 100.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from services.validator.names import Name, read_name, split_list, too_many
from services.validator.numbers import digits_after_point, exact
from services.validator.problems import Problem
from services.validator.rows import Value
from shared.entities.cells import cell_text
from shared.entities.products import PERCENTAGE
from shared.entities.reasons import shown

_CACHED_LENGTH = 256
_WHOLE = Decimal(100)


class Material(NamedTuple):
    """One material and its share; None when it was not given."""

    name: Name
    percentage: Decimal | None


class Composition(NamedTuple):
    """What the two cells say, and what is wrong with each."""

    materials: tuple[Material, ...] = ()
    materials_problem: Problem | None = None
    percentages_problem: Problem | None = None


NO_COMPOSITION = Composition()


def read_composition(materials: str | None, percentages: Value | None) -> Composition:
    """The materials of a Materials and a Percentages cell; None for a blank one."""
    if materials is None and percentages is None:
        return NO_COMPOSITION
    if isinstance(percentages, int | float):
        percentages = _plain(percentages)
    if len(materials or "") + len(percentages or "") <= _CACHED_LENGTH:
        return _cached(materials or "", percentages or "")
    return _read(materials or "", percentages or "")


def _read(materials: str, percentages: str) -> Composition:
    pairs = _read_pairs(materials)
    listed = _read_percentages(percentages)
    if isinstance(pairs, Problem) or isinstance(listed, Problem):
        return Composition(
            materials_problem=pairs if isinstance(pairs, Problem) else None,
            percentages_problem=listed if isinstance(listed, Problem) else None,
        )
    if any(material.percentage is not None for material in pairs):
        own = [material.percentage for material in pairs]
        if any(listed) and listed != own:
            return Composition(
                percentages_problem=_invalid("Percentages say something else than Materials does; keep one of them")
            )
        return Composition(pairs, materials_problem=_sum_problem(own))
    placed = _placed(listed, len(pairs))
    if isinstance(placed, Problem):
        return Composition(percentages_problem=placed)
    shared = tuple(
        Material(material.name, placed[position] if position < len(placed) else None)
        for position, material in enumerate(pairs)
    )
    return Composition(shared, percentages_problem=_sum_problem(placed))


_cached = lru_cache(maxsize=4_096)(_read)


def _read_pairs(text: str) -> tuple[Material, ...] | Problem:
    found: dict[str, Material] = {}
    parts = split_list(text)
    if problem := too_many(text, len(parts), "materials"):
        return problem
    for part in parts:
        material = _read_pair(part)
        if isinstance(material, Problem):
            return material
        known = found.setdefault(material.name.key, material)
        if None not in (known.percentage, material.percentage) and known.percentage != material.percentage:
            return _invalid(f'"{shown(material.name.text)}" is given two percentages; keep one of them')
        if known.percentage is None:
            found[material.name.key] = Material(known.name, material.percentage)
    return tuple(found.values())


def _read_pair(part: str) -> Material | Problem:
    text, colon, figure = (piece.strip() for piece in part.rpartition(":"))
    if not colon:
        text = figure
    elif not text or not figure:
        missing = "material before" if not text else "percentage after"
        return Problem("incomplete_pair", f'"{shown(part)}" has no {missing} its colon; write Name:Percent')
    name = read_name(text)
    if isinstance(name, Problem) or not colon:
        return name if isinstance(name, Problem) else Material(name, None)
    percentage = _read_percentage(figure)
    return percentage if isinstance(percentage, Problem) else Material(name, percentage)


def _read_percentages(text: str) -> list[Decimal | None] | Problem:
    """By position; None for a blank between others, none after the last."""
    figures: list[Decimal | None] = []
    parts = text.replace("|", ";").split(";")
    if problem := too_many(text, len(parts), "percentages"):
        return problem
    for part in parts:
        figure = part.strip()
        percentage = _read_percentage(figure) if figure else None
        if isinstance(percentage, Problem):
            return percentage
        figures.append(percentage)
    while figures and figures[-1] is None:
        figures.pop()
    return figures


def _read_percentage(text: str) -> Decimal | Problem:
    figure = text.removesuffix("%").rstrip()
    number = exact(figure)
    if number is None:
        return _invalid(f'"{shown(text)}" is not a percentage; write a number, with a point for decimals')
    if not 0 < number <= _WHOLE:
        return _invalid(f'"{shown(text)}" is not above 0 and at most 100')
    decimals = digits_after_point(number)
    if decimals > PERCENTAGE.scale:
        return _invalid(
            f'"{shown(text)}" has {decimals} decimals, but {PERCENTAGE.scale} are kept; round it as you want'
        )
    return number


def _placed(listed: Sequence[Decimal | None], materials: int) -> Sequence[Decimal | None] | Problem:
    given = [percentage for percentage in listed if percentage is not None]
    if len(given) > materials:
        values = "1 percentage" if len(given) == 1 else f"{len(given)} percentages"
        of = "1 material" if materials == 1 else f"{materials or 'no'} materials"
        return _invalid(f"{values} for {of}; give at most one for each material, in the same order")
    if len(given) < len(listed) and len(given) != materials:
        return _invalid("A blank between percentages leaves open whose they are; give one for each material")
    return given


def _sum_problem(percentages: Sequence[Decimal | None]) -> Problem | None:
    total = sum((percentage for percentage in percentages if percentage is not None), Decimal(0))
    if total <= _WHOLE:
        return None
    return _invalid(f"The percentages add up to {total:f}; together they may be at most 100")


def _plain(number: float) -> str:
    """A number cell's figure without the noise of its binary fraction."""
    decimal = exact(number)
    return cell_text(number) if decimal is None else format(decimal, "f")


def _invalid(message: str) -> Problem:
    return Problem("invalid_percentage", message)
