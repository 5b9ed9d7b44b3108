"""What is said of an import that has ended. Pure: bodies out of the event and the ledger's counts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from shared.entities import reasons as declared
from shared.events import ImportCompleted
from shared.states import ImportStatus

END, FAILURES = "import-completed", "import-failures"

FAILED = frozenset({ImportStatus.COMPLETED_WITH_FAILURES, ImportStatus.FAILED})
"""Ends that are told to the sender by e-mail."""

_OURS = "An unexpected error on our side"
_FILES = {reason.code: reason for reason in declared.FILE_REASONS}


class Reason(NamedTuple):
    """How often something was wrong, in which column."""

    code: str
    heading: str | None
    times: int


def page_of(public_url: str, import_id: UUID) -> str:
    """Where people see the import."""
    return f"{public_url.rstrip('/')}/imports/{import_id}"


def webhook_body(event: ImportCompleted, public_url: str) -> str:
    """The body of a webhook: type, time, and as data the event as it is on its topic, with links."""
    data = event.model_dump(mode="json", exclude_none=True)
    links = {
        "page": page_of(public_url, event.import_id),
        "import": f"{public_url.rstrip('/')}/v1/imports/{event.import_id}",
    }
    return _json({"type": END, "timestamp": data["completed_at"], "data": {**data, "links": links}})


def mail_facts(event: ImportCompleted, reasons: Sequence[Reason], public_url: str) -> str:
    """What an e-mail is written from: names and numbers, no message of a row, for those repeat what it says."""
    facts: dict[str, Any] = {
        "file_name": event.file_name,
        "status": event.status,
        "mode": event.mode,
        "total": event.total_rows,
        "imported": event.created_rows + event.updated_rows + event.skipped_rows,
        "failed": event.failed_rows,
        "unprocessed": event.unprocessed_rows,
        "page": page_of(public_url, event.import_id),
        "reasons": [
            {"title": title_of(reason.code), "column": reason.heading, "times": reason.times} for reason in reasons
        ],
        "error": _error(event),
    }
    return _json(facts)


def title_of(code: str) -> str:
    """What a reason of a row is called; one that is not known is an error of ours."""
    return declared.title_of(code, otherwise=_OURS)


def _error(event: ImportCompleted) -> Mapping[str, str] | None:
    """Why a file failed as a whole, in our words: its own message may repeat what the file says."""
    if event.error is None:
        return None
    known = _FILES.get(event.error.code)
    return {"title": _OURS, "to_do": "See the page."} if known is None else {"title": known.title, "to_do": known.to_do}


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
