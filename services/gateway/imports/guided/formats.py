"""How the dates and numbers of a column are read: what was found, what a person chose, what may be chosen. Pure.

What a person chose is kept where the parser keeps what it found (`imports.imports.layout`), with that beside it.
"""

from collections.abc import Mapping
from typing import Any, cast

from services.gateway.problems import Refused
from shared.api.guided import ColumnFormat, FormatChoice, FormatName
from shared.entities.dates import ColumnDates, DateFormat
from shared.entities.decimals import ColumnSign, Sign
from shared.entities.declaration import NUMERIC, Field, Kind

DATED = frozenset({Kind.DATE, Kind.MOMENT})
NUMBERED = NUMERIC

_DATES = (
    FormatChoice(name="iso", title="Year first", example="2027-03-31"),
    FormatChoice(name="european", title="Day first", example="31/3/2027"),
    FormatChoice(name="american", title="Month first", example="3/31/2027"),
)
_NUMBERS = (
    FormatChoice(name="point", title="Decimal point", example="1,250.50"),
    FormatChoice(name="comma", title="Decimal comma", example="1.250,50"),
)
_ORDER = {"iso": "year first", "european": "day first", "american": "month first"}


def format_of(
    kind: Kind, layout: Mapping[str, Any], index: int, settings: Mapping[str, Any] | None
) -> ColumnFormat | None:
    """How a column of this kind is read; None of a kind that is written in one way."""
    if kind in DATED:
        return _dates(layout, index)
    return _numbers(layout, index, settings) if kind in NUMBERED else None


def is_format_of(kind: Kind, name: str) -> bool:
    """Whether a format is one of the kind's."""
    choices = _DATES if kind in DATED else _NUMBERS if kind in NUMBERED else ()
    return any(choice.name == name for choice in choices)


def with_choice(layout: Mapping[str, Any], field: Field, index: int, name: FormatName) -> dict[str, Any]:
    """The layout with what a person chose for the column of a field.

    Raises:
        Refused: it is no format of what the field holds.
    """
    if not is_format_of(field.kind, name):
        known = "iso, european or american" if field.kind in DATED else "point or comma"
        what = (
            f"{field.heading} is read as {known}"
            if field.kind in DATED | NUMBERED
            else f"{field.heading} has no format"
        )
        raise Refused("invalid", f"{what}, not as {name}.", errors=[(f"formats.{index}", f"{what}.")])
    group = "dates" if field.kind in DATED else "decimals"
    known_of = dict(layout.get(group, {}))
    before = known_of.get(str(index))
    found = before.get("found") if before and before.get("chosen") else before
    said = {"format": name} if field.kind in DATED else {"sign": name, "decided": True}
    known_of[str(index)] = {**said, "contested": False, "chosen": True, "found": found}
    return {**layout, group: known_of}


def without_choices(layout: Mapping[str, Any]) -> dict[str, Any]:
    """The layout as the file was read, whatever was chosen since."""
    read = dict(layout)
    for group in ("dates", "decimals"):
        if group in layout:
            entries = {
                index: said.get("found") if said.get("chosen") else said for index, said in layout[group].items()
            }
            read[group] = {index: said for index, said in entries.items() if said is not None}
    return read


def chosen_formats(layout: Mapping[str, Any]) -> dict[int, FormatName]:
    """By column, what a person chose."""
    return {
        int(index): cast("FormatName", said.get("format") or said.get("sign"))
        for group in ("dates", "decimals")
        for index, said in layout.get(group, {}).items()
        if said.get("chosen")
    }


def _dates(layout: Mapping[str, Any], index: int) -> ColumnFormat:
    said = layout.get("dates", {}).get(str(index))
    if said is not None and said.get("chosen"):
        return _format(_DATES, said["format"], "You chose it", chosen=True)
    found = ColumnDates.of_layout(layout, index)
    where = f'row {said["row"]:,} ("{said["text"]}")' if said is not None and said.get("row") else None
    if said is None or (found.format is DateFormat.ISO and (found.decided or where is None)):
        return _format(_DATES, str(DateFormat.ISO), "Every date says itself which is the day")
    if found.contested and found.decided:
        return _format(_DATES, None, "Choose: some dates have the day first, others the month")
    if found.decided:
        order = _ORDER[str(found.format)]
        return _format(_DATES, str(found.format), f"As {where} shows, it is {order}" if where else f"It is {order}")
    return _format(_DATES, None, f"Choose: all days are 12 or less, as in {where}")


def _numbers(layout: Mapping[str, Any], index: int, settings: Mapping[str, Any] | None) -> ColumnFormat:
    said = layout.get("decimals", {}).get(str(index))
    if said is not None and said.get("chosen"):
        return _format(_NUMBERS, said["sign"], "You chose it", chosen=True)
    found = ColumnSign.of_layout(layout, index)
    if said is None or not (found.decided or found.contested):
        default = (settings or {}).get("decimal") or str(Sign.POINT)
        return _format(_NUMBERS, default, "No number has a sign that could mean two things")
    if found.contested:
        proof = f"Most numbers have a decimal {found.sign}, some another: those are asked about"
        return _format(_NUMBERS, str(found.sign), proof, decided=False)
    return _format(_NUMBERS, str(found.sign), f"Its numbers have a decimal {found.sign}")


def _format(
    choices: tuple[FormatChoice, ...], name: str | None, proof: str, *, chosen: bool = False, decided: bool = True
) -> ColumnFormat:
    return ColumnFormat(
        name=cast("FormatName | None", name),
        is_decided=decided and name is not None,
        is_chosen=chosen,
        proof=proof,
        choices=choices,
    )
