"""The public contract changes on purpose or not at all."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest
from pydantic import ValidationError

from deploy.documents import EXAMPLE_UPLOAD, documents
from shared.events import TOPICS, FailureNotice, FileUploaded, ImportCompleted, Topic
from shared.messaging.envelope import Delivery, UnreadableEvent, open_envelope, read_headers, seal, wire_headers


@pytest.mark.parametrize(("path", "content"), list(documents()), ids=lambda value: getattr(value, "name", ""))
def test_what_is_checked_in_is_what_the_code_says(path: object, content: str) -> None:
    assert isinstance(path, Path)
    assert path.read_text() == content, "the contract changed: run `make docs` if that was meant"


def test_the_four_public_topics_keep_their_names() -> None:
    names = {topic.name for topic in TOPICS}
    assert names >= {"file-uploaded", "rows-staged", "rows-validated", "import-completed"}


def test_six_fields_are_all_an_upstream_system_must_know() -> None:
    required = {name for name, field in FileUploaded.model_fields.items() if field.is_required()}
    assert required == {"tenant_id", "user_id", "entity_type", "mode", "object_key", "file_name"}
    FileUploaded.model_validate(EXAMPLE_UPLOAD)


@pytest.mark.parametrize("tenant", ["", "a/b", "../x", ".hidden", "a b", "x" * 65, "é"])
def test_a_tenant_is_never_a_path(tenant: str) -> None:
    with pytest.raises(ValidationError):
        FileUploaded.model_validate({**EXAMPLE_UPLOAD, "tenant_id": tenant})


def test_an_event_comes_out_of_its_envelope_as_it_went_in() -> None:
    event = FileUploaded.model_validate(EXAMPLE_UPLOAD)
    envelope = seal(event)
    record = Delivery(envelope.topic.name, 0, 0, envelope.body, headers=read_headers(wire_headers(envelope.headers)))
    assert open_envelope(envelope.topic, record) == event
    assert record.headers["ce_specversion"] == "1.0"
    assert record.headers["ce_type"] == "winnow.file-uploaded.v1"


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_what_may_be_null_may_be_left_out(topic: Topic) -> None:
    """Nulls are not sent, so a field that may be null and must be there could never be read again."""
    nullable = {name for name, field in topic.event.model_fields.items() if type(None) in get_args(field.annotation)}
    assert {name for name in nullable if topic.event.model_fields[name].is_required()} == set()


def test_an_import_that_was_never_begun_is_announced_in_a_way_that_can_be_read() -> None:
    event = ImportCompleted(
        tenant_id="acme",
        import_id=UUID(int=1),
        entity_type="products",
        mode="create",
        user_id="u",
        status="failed",
        file_name="autumn.xlsx",
        total_rows=0,
        created_rows=0,
        updated_rows=0,
        skipped_rows=0,
        failed_rows=0,
        unprocessed_rows=0,
        summary={},
        has_exportable_failures=False,
        error=FailureNotice(code="object_missing", message="There is no object"),
        completed_at=datetime.now(UTC),
    )
    envelope = seal(event)
    record = Delivery(envelope.topic.name, 0, 0, envelope.body, headers=envelope.headers)
    assert open_envelope(envelope.topic, record) == event


def test_a_field_in_another_form_is_said_in_words_and_not_as_a_pattern() -> None:
    body = json.dumps({**EXAMPLE_UPLOAD, "file_sha256": "not hex"}).encode()
    record = Delivery("file-uploaded", 0, 0, body)
    topic = next(topic for topic in TOPICS if topic.name == "file-uploaded")
    with pytest.raises(UnreadableEvent, match="file_sha256: must be 64 hexadecimal digits"):
        open_envelope(topic, record)
