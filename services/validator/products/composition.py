"""Composition: materials and their percentages, from one cell of `Name:Percent` pairs or from two cells.

How the two go together:
* Percentages belong to the materials by position, once blanks and repeats are dropped; fewer are fine (null).
* A blank between percentages is dropped only where the rest is one for each material; else it is refused,
  since dropping it would give a percentage to another material.
* A name has no percent sign in it, and pairs are not separated by commas: `80% Cotton, 20% Elastane` is refused.
* Pairs and a Percentages cell must not say different things.
* A percentage is a figure above 0 and at most 100, with or without a percent sign; all together at most 100.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from services.validator.rows import Value
from services.validator.values.lists import PERCENT_SIGNS, Name, looks_like_list, read_name, split_list, too_many
from shared.entities.cells import cell_text
from shared.entities.errors import CellError, shown
from shared.entities.products import PERCENTAGE
from shared.values.numbers import digits_after_point, exact

_CACHED_LENGTH = 256
_WHOLE = Decimal(100)


class Material(NamedTuple):
    """One material and its share; None when it was not given."""

    name: Name
    percentage: Decimal | None


class Composition(NamedTuple):
    """What the two cells say, and everything that is wrong with each; no materials when anything is."""

    materials: tuple[Material, ...] = ()
    materials_errors: tuple[CellError, ...] = ()
    percentages_errors: tuple[CellError, ...] = ()


NO_COMPOSITION = Composition()


def read_composition(materials: str | None, percentages: Value | None) -> Composition:
    """The materials of a Materials and a Percentages cell; None for a blank one."""
    if materials is None and percentages is None:
        return NO_COMPOSITION
    figures = _text(percentages)
    if len(materials or "") + len(figures) <= _CACHED_LENGTH:
        return _cached(materials or "", figures)
    return _read(materials or "", figures)


def percentages_errors(percentages: Value | None) -> tuple[CellError, ...]:
    """What is wrong with a Percentages cell beside a Materials cell that cannot be read."""
    figures, errors = _read_percentages(_text(percentages))
    return (*errors, *_sum_error(figures))


def same_percentages(one: Value | None, other: Value | None) -> bool:
    """Whether two Percentages cells say the same, however it is written; false when either says nothing sound."""
    mine, theirs = _read_percentages(_text(one)), _read_percentages(_text(other))
    return mine == theirs and not mine[1]


def _text(percentages: Value | None) -> str:
    return _plain(percentages) if isinstance(percentages, int | float) else percentages or ""


def _read(materials: str, percentages: str) -> Composition:
    pairs, pair_errors = _read_pairs(materials)
    listed, listed_errors = _read_percentages(percentages)
    own = [material.percentage for material in pairs]
    if pair_errors or listed_errors:
        return Composition(
            materials_errors=(*pair_errors, *_sum_error(own)),
            percentages_errors=(*listed_errors, *_sum_error(listed)),
        )
    if any(percentage is not None for percentage in own):
        differs = _invalid("Percentages say something else than Materials does; keep one of them")
        return _sound(pairs, _sum_error(own), (differs,) if any(listed) and listed != own else ())
    placed = _placed(listed, len(pairs))
    if isinstance(placed, CellError):
        return _sound((), (), (placed, *_sum_error(listed)))
    shared = tuple(
        Material(material.name, placed[position] if position < len(placed) else None)
        for position, material in enumerate(pairs)
    )
    return _sound(shared, (), _sum_error(placed))


def _sound(
    materials: tuple[Material, ...], of_materials: tuple[CellError, ...], of_percentages: tuple[CellError, ...]
) -> Composition:
    return Composition(() if of_materials or of_percentages else materials, of_materials, of_percentages)


_cached = lru_cache(maxsize=4_096)(_read)


def _read_pairs(text: str) -> tuple[tuple[Material, ...], list[CellError]]:
    found: dict[str, Material] = {}
    errors: list[CellError] = []
    parts = split_list(text)
    if error := too_many(text, len(parts), "materials"):
        return (), [error]
    if looks_like_list(text) and text.count(":") > 1:
        return (), [_unseparated(text)]
    for part in parts:
        material = _read_pair(part)
        if isinstance(material, CellError):
            errors.append(material)
            continue
        known = found.setdefault(material.name.key, material)
        if None not in (known.percentage, material.percentage) and known.percentage != material.percentage:
            errors.append(_invalid(f'"{shown(material.name.text)}" is given two percentages; keep one of them'))
        elif known.percentage is None:
            found[material.name.key] = Material(known.name, material.percentage)
    return tuple(found.values()), errors


def _read_pair(part: str) -> Material | CellError:
    text, colon, figure = (piece.strip() for piece in part.rpartition(":"))
    if not colon:
        text = figure
    elif not text or not figure:
        missing = "material before" if not text else "percentage after"
        return CellError("incomplete_pair", f'"{shown(part)}" has no {missing} its colon; write Name:Percent')
    if PERCENT_SIGNS.search(text):
        return _unseparated(part)
    name = read_name(text)
    if isinstance(name, CellError) or not colon:
        return name if isinstance(name, CellError) else Material(name, None)
    percentage = _read_percentage(figure)
    return percentage if isinstance(percentage, CellError) else Material(name, percentage)


def _read_percentages(text: str) -> tuple[list[Decimal | None], list[CellError]]:
    """By position; None for a blank between others and for what is none, nothing after the last."""
    figures: list[Decimal | None] = []
    errors: list[CellError] = []
    parts = text.replace("|", ";").split(";")
    if error := too_many(text, len(parts), "percentages"):
        return [], [error]
    for part in parts:
        figure = part.strip()
        percentage = _read_percentage(figure) if figure else None
        if isinstance(percentage, CellError):
            errors.append(percentage)
            percentage = None
        figures.append(percentage)
    while figures and figures[-1] is None:
        figures.pop()
    return figures, errors


def _read_percentage(text: str) -> Decimal | CellError:
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


def _placed(listed: Sequence[Decimal | None], materials: int) -> Sequence[Decimal | None] | CellError:
    given = [percentage for percentage in listed if percentage is not None]
    if len(given) > materials:
        values = "1 percentage" if len(given) == 1 else f"{len(given)} percentages"
        of = "1 material" if materials == 1 else f"{materials or 'no'} materials"
        return _invalid(f"{values} for {of}; give at most one for each material, in the same order")
    if len(given) < len(listed) and len(given) != materials:
        return _invalid("A blank between percentages leaves open whose they are; give one for each material")
    return given


def _sum_error(percentages: Sequence[Decimal | None]) -> tuple[CellError, ...]:
    total = sum((percentage for percentage in percentages if percentage is not None), Decimal(0))
    if total <= _WHOLE:
        return ()
    return (_invalid(f"The percentages add up to {total:f}; together they may be at most 100"),)


def _plain(number: float) -> str:
    """A number cell's figure without the noise of its binary fraction."""
    decimal = exact(number)
    return cell_text(number) if decimal is None else format(decimal, "f")


def _unseparated(text: str) -> CellError:
    return _invalid(
        f'"{shown(text)}" is not a material; write Name:Percent, and ; between materials (Cotton:80; Elastane:20)'
    )


def _invalid(message: str) -> CellError:
    return CellError("invalid_percentage", message)
