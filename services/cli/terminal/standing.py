"""What a command makes of how an import stands: whether there is anything to wait for, and what there is to fetch."""

from datetime import datetime

from shared.api.imports import FileKind, HandedBack, Import, ImportSummary, Stage
from shared.entities import ENTITY_TYPES
from shared.entities.declaration import Kind
from shared.periods import roughly
from shared.states import ImportStatus


def awaits_start(found: Import) -> bool:
    """Whether all that can be done of a held import is done, and a person has to start or cancel it."""
    read = found.status == ImportStatus.PREVIEWING and found.parsed_at is not None
    done = found.validated_rows >= found.total_rows
    return read and (done or found.error is not None)


def handed_back(found: Import) -> Stage:
    """The last stage."""
    return next(stage for stage in found.stages if stage.name == "handed_back")


def file_of(found: ImportSummary, kind: FileKind) -> HandedBack | None:
    """The file of this kind; None when there is none, not yet or not any more."""
    return next((file for file in found.files if file.kind == kind), None)


def is_about_a_category(found: Import, code: str, heading: str | None) -> bool:
    """Whether an error is about a category that nobody knows; what was likely meant is known of those."""
    entity = ENTITY_TYPES.get(found.entity_type)
    paths = () if entity is None else (field.heading for field in entity.fields if field.kind is Kind.PATH)
    return code == "not_found" and heading in paths


def kept_for(found: ImportSummary, gone: datetime | None) -> str | None:
    """For how long something of it was kept that is gone since then, in words; None when it is there."""
    if gone is None or found.completed_at is None:
        return None
    return roughly(gone - found.completed_at)
