"""What became of an import, in the words of its page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from services.gateway.pages import figures
from services.gateway.pages.gathered import Mistakes
from services.gateway.pages.words import KINDS, kind_of, reason_title
from shared.api.imports import Import
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.declaration import GroupKey
from shared.intake.reading import FileReading
from shared.intake.repairs import Repairs
from shared.intake.reports import ErrorGroup
from shared.ledger.repeats import IMPORTED_BEFORE
from shared.states import UNDO, ImportStatus, Standing

_SHOWN_NAMES = 6
_ENDED_WORDS = ("Created", "Updated", "Skipped", "Failed", "Not processed")
_UNDO_WORDS = ("", "Taken back", "Left as it was", "Stay", "Not processed")


@dataclass(frozen=True)
class ReasonShown:
    """Errors of one kind in one column, as a list shows them."""

    code: str
    heading: str | None
    title: str
    errors: int
    example: str
    row: int


class Good(NamedTuple):
    """That all is well: a title and a sentence."""

    title: str
    text: str


class Made(NamedTuple):
    """Entities of one kind that were made on the way: how many, their kind in words, the first names."""

    number: int
    words: str
    names: Sequence[str]


def reasons_shown(groups: Sequence[ErrorGroup]) -> list[ReasonShown]:
    """Each reason with the short title of its code."""
    return [
        ReasonShown(
            group.code, group.heading, reason_title(group.code, group.heading), group.count, group.example, group.row
        )
        for group in groups
    ]


def sum_words(imp: Import) -> tuple[tuple[str, ...], str]:
    """What the terms of the sum are called, and what they add up to."""
    if imp.mode == UNDO:
        return _UNDO_WORDS, "Rows to take back"
    return _ENDED_WORDS, "Rows in the file" if imp.read_to_row is None else "Rows read"


def side_notes(imp: Import, mistakes: Mistakes) -> list[Markup]:
    """What explains the numbers: why fine rows failed as well, and what was not read."""
    notes = []
    if imp.standing is Standing.UNDONE:
        notes.append(Markup("It was taken back since: nothing of it is in production any more."))
    kind, waits = kind_of(imp.entity_type), imp.failed_rows - mistakes.rows
    entity = ENTITY_TYPES.get(imp.entity_type)
    if (
        imp.mode != UNDO
        and mistakes.rows
        and waits > 0
        and entity is not None
        and isinstance(entity.grouping, GroupKey)
    ):
        groups = (
            f"the same {kind.one}"
            if mistakes.groups == 1
            else f"the same {figures.number(mistakes.groups)} {kind.several}"
        )
        notes.append(
            Markup("A {} goes in whole or not at all: <b>{}</b> {} a mistake, <b>{}</b> {} fine but {} to {}. All {} are in the corrections file.").format(
                kind.one,
                figures.counted(mistakes.rows, "row"),
                "has" if mistakes.rows == 1 else "have",
                figures.counted(waits, "row"),
                "is" if waits == 1 else "are",
                "belongs" if waits == 1 else "belong",
                groups,
                figures.number(imp.failed_rows),
            )
        )  # fmt: skip
    if imp.read_to_row is not None:
        notes.append(
            Markup(
                "The file was read up to row {}. What follows it was not read: it is in none of these numbers, and in no file "
                "that is handed back."
            ).format(figures.number(imp.read_to_row))
        )
    return notes


def is_refused(imp: Import) -> bool:
    """Whether nothing of the file got in because the file itself was refused."""
    return (
        imp.status is ImportStatus.FAILED
        and imp.error is not None
        and imp.created_rows + imp.updated_rows + imp.failed_rows == 0
    )


def is_repeat(imp: Import) -> bool:
    """Whether the file was refused because its content was imported before."""
    return is_refused(imp) and imp.error is not None and imp.error.code == IMPORTED_BEFORE


def rows_per_second(imp: Import) -> float | None:
    """How fast it was, over all its time; None when that says nothing."""
    done = imp.total_rows - imp.unprocessed_rows
    return done / imp.worked_seconds if imp.worked_seconds >= 1 and done else None


def all_good(imp: Import) -> Good | None:
    """What is said when nothing came back; None when something did, or nothing went in."""
    if imp.mode == UNDO:
        if imp.failed_rows:
            return None
        return Good("All of it is taken back", "What the import made is gone, and what it changed is as it was before.")
    went_in = imp.total_rows - imp.skipped_rows
    if imp.status is not ImportStatus.COMPLETED or imp.failed_rows or not imp.total_rows:
        return None
    title = f"All {figures.counted(imp.total_rows, 'row')} are in" if imp.total_rows > 1 else "The row is in"
    if not imp.created_rows + imp.updated_rows:
        return Good(
            "Nothing had to be changed", f"All {figures.counted(imp.total_rows, 'row')} say what is there already."
        )
    if imp.skipped_rows:
        title = f"{figures.counted(went_in, 'row')} {'is' if went_in == 1 else 'are'} in"
    made = _changed(imp)
    return Good(title, f"{made}, in {figures.duration(imp.worked_seconds)}." if made else "")


def _changed(imp: Import) -> str:
    """`1,024 products with 2,410 variants were created`, as far as the summary says it."""
    entity = ENTITY_TYPES.get(imp.entity_type)
    kind = kind_of(imp.entity_type)
    said = []
    for done, word in (("created", "created"), ("updated", "updated")):
        groups = _count(imp, imp.entity_type, done)
        rows = _count(imp, "" if entity is None else f"{entity.record_noun}s", done)
        parts = [figures.counted(groups, kind.one, kind.several)] if groups else []
        if rows and entity is not None and entity.record_noun != kind.one:
            parts.append(figures.counted(rows, entity.record_noun))
        if parts:
            alone = (groups or rows) == 1
            said.append(f"{' with '.join(parts)} {'was' if alone else 'were'} {word}")
    return ", ".join(said)


def _count(imp: Import, what: str, done: str) -> int:
    counts = imp.summary.get(what)
    return int(counts.get(done, 0)) if isinstance(counts, Mapping) else 0


def main_counts(imp: Import) -> str:
    """What went into production, besides what was made on the way."""
    said = _changed(imp)
    return f"{said}." if said else ""


def made_on_the_way(imp: Import, names: Mapping[str, Sequence[str]]) -> list[Made]:
    """Entities by kind, the most of one first: all in number, the first by name."""
    counts = imp.summary.get("entities")
    if not isinstance(counts, Mapping):
        return []
    found = []
    for kind, said in counts.items():
        count = int(said.get("created", 0)) if isinstance(said, Mapping) else 0
        if count:
            found.append(Made(count, _entity_words(kind, count), list(names.get(kind, ()))[:_SHOWN_NAMES]))
    return sorted(found, key=lambda made: -made.number)


def _entity_words(kind: str, count: int) -> str:
    if kind in KINDS:
        return KINDS[kind].one if count == 1 else KINDS[kind].several
    words = kind.replace("_", " ")
    if count != 1:
        return words
    return f"{words[:-3]}y" if words.endswith("ies") else words.removesuffix("s")


def all_reasons(imp: Import, mistakes: Mistakes) -> str:
    """What is said of all reasons together: `in 61 rows of 42 products`."""
    rows = f"in {figures.counted(mistakes.rows, 'row')}"
    entity = ENTITY_TYPES.get(imp.entity_type)
    if entity is None or not isinstance(entity.grouping, GroupKey):
        return rows
    kind = kind_of(imp.entity_type)
    return f"{rows} of {figures.counted(mistakes.groups, kind.one, kind.several)}"


def facts(imp: Import, reading: FileReading) -> Iterator[tuple[str, str]]:
    """What is known of the file: how it was read, its size and checksum."""
    for decision in reading.decisions:
        how = {"asked": "as asked for", "guessed": "a guess"}.get(decision.how, "")
        because = "; ".join(part for part in (how, decision.because) if part)
        yield decision.name.capitalize(), f"{decision.value} ({because})" if because else decision.value
    if imp.file_size is not None:
        yield "Size", figures.size(imp.file_size)
    if imp.file_sha256 is not None:
        yield "SHA-256", imp.file_sha256


def activity(imp: Import, repairs: Repairs, names: Mapping[str, str]) -> list[tuple[datetime, str, str | None]]:
    """What happened, in the order it did: when, in words, and where it leads."""
    who = names.get(imp.user_id, imp.user_id)
    began = f"{who} asked to undo an import" if imp.mode == UNDO else f"{who} sent the file"
    events: list[tuple[datetime | None, str, str | None]] = [
        (imp.created_at, began, None),
        (imp.started_at if imp.mode != UNDO else None, "Reading began", None),
        (imp.parsed_at if imp.mode != UNDO else None, f"{'Last row read' if imp.read_to_row is None else 'Reading stopped'}: {figures.counted(imp.total_rows, 'row')}", None),
        (imp.cancelled_at, "The import was cancelled", None),
        (imp.completed_at, _end(imp), None),
        *((c.created_at, f"{names.get(c.user_id, c.user_id)} uploaded {c.file_name}, {figures.number(c.repaired_rows)} repaired", f"/imports/{c.id}") for c in repairs.corrections),
        (imp.dismissed_at, "The import was dismissed", None),
        (imp.rows_expired_at, "Its rows were removed, because their time was over", None),
        (imp.upload_removed_at, "The file that was sent was removed, because its time was over", None),
        (imp.results_removed_at, "The corrections were removed, because their time was over", None),
    ]  # fmt: skip
    return sorted(((at, words, href) for at, words, href in events if at is not None), key=lambda event: event[0])


def _end(imp: Import) -> str:
    if is_refused(imp):
        return "The file was refused"
    if imp.status is ImportStatus.CANCELLED:
        return "It ended"
    if imp.mode == UNDO:
        stay = (
            f"; {figures.number(imp.failed_rows)} of {figures.number(imp.total_rows)} stay" if imp.failed_rows else ""
        )
        return f"Last row taken back{stay}"
    if imp.failed_rows:
        return f"Last row imported; {figures.number(imp.failed_rows)} of {figures.number(imp.total_rows)} failed"
    return "Last row imported"


def tabs(imp: Import, made: int) -> Iterator[tuple[str, str, str]]:
    """The views of an import: their name in the address, their title, and how much is there."""
    entity: EntityType | None = ENTITY_TYPES.get(imp.entity_type)
    kind = kind_of(imp.entity_type)
    if imp.failed_rows:
        yield "failures", "Failed rows" if imp.mode != UNDO else "Rows that stay", figures.number(imp.failed_rows)
    if imp.mode != UNDO:
        groups = _count(imp, imp.entity_type, "created")
        what = figures.counted(groups, kind.one, kind.several) if groups and entity is not None else ""
        if what or made or imp.created_rows or imp.updated_rows:
            yield "made", "What was made" if imp.created_rows or not imp.updated_rows else "What was changed", what
        yield "file", "File and notices", figures.number(len(imp.notices)) if imp.notices else ""
    yield "activity", "Activity", ""


def expired_words(said: str | None) -> str | None:
    """What is said where the failed rows are not kept any longer; `said` is since when."""
    return None if said is None else f"The failed rows of this import were removed on {said}. The counts are kept."
