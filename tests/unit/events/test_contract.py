"""The public contract changes on purpose or not at all."""

import pytest
from pydantic import ValidationError

from shared.events import TOPICS, FileUploaded
from shared.messaging.contract import EXAMPLE_UPLOAD, documents
from shared.messaging.envelope import Delivery, open_envelope, read_headers, seal, wire_headers


@pytest.mark.parametrize(("path", "content"), list(documents()), ids=lambda value: getattr(value, "name", ""))
def test_what_is_checked_in_is_what_the_code_says(path: object, content: str) -> None:
    from pathlib import Path

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
