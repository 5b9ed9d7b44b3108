"""What is generated from the code: golden JSON schemas, an AsyncAPI document, and pages to read of events, files and settings.

`make docs` writes them; a test fails when what is checked in differs from the code.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

from deploy.api_page import api_page, openapi_document
from deploy.settings_page import settings_page
from shared.api.problems import problems_page
from shared.entities import ENTITY_TYPES
from shared.entities.page import entity_page
from shared.entities.reasons import reasons_page
from shared.events import TOPICS, Topic

_PROJECT = Path(__file__).parents[1]
SCHEMAS = _PROJECT / "shared" / "events" / "schemas"
DOCS = _PROJECT / "docs"

EXAMPLE_UPLOAD: dict[str, Any] = {
    "tenant_id": "acme",
    "user_id": "u-17",
    "entity_type": "products",
    "mode": "create",
    "object_key": "acme/uploads/autumn.xlsx",
    "file_name": "autumn.xlsx",
}


def golden_schema(topic: Topic) -> str:
    """The JSON schema of a topic's event, as it is checked in."""
    schema = topic.event.model_json_schema()
    schema["$id"] = topic.event.ce_type
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def asyncapi_document() -> str:
    """The AsyncAPI 3 document of all public topics."""
    broker = KafkaBroker()
    for topic in TOPICS:
        broker.publisher(
            topic.name,
            schema=topic.event,
            title=topic.name,
            description=" ".join((topic.event.__doc__ or "").split()),
        )
    document = AsyncAPI(
        broker,
        title="Winnow",
        version="1",
        description="Events of the Winnow import service: CloudEvents 1.0, Kafka binary mode, JSON bodies.",
        schema_version="3.0.0",
    ).to_specification()
    described = document.to_jsonable()
    # Where the cluster lies is a deployment's business, not the contract's.
    described.pop("servers", None)
    for channel in described.get("channels", {}).values():
        channel.pop("servers", None)
    return json.dumps(described, indent=2, sort_keys=True) + "\n"


def events_page() -> str:
    """docs/events.md."""
    return "\n".join([*_introduction(), *(line for topic in TOPICS for line in _section(topic))]) + "\n"


def documents() -> Iterator[tuple[Path, str]]:
    """Every generated file with its content."""
    for topic in TOPICS:
        yield SCHEMAS / f"{topic.event.ce_type}.json", golden_schema(topic)
    yield DOCS / "asyncapi.json", asyncapi_document()
    yield DOCS / "events.md", events_page()
    yield DOCS / "settings.md", settings_page()
    yield DOCS / "reasons.md", reasons_page()
    yield DOCS / "problems.md", problems_page()
    yield DOCS / "openapi.json", openapi_document()
    yield DOCS / "api.md", api_page()
    for entity in ENTITY_TYPES.values():
        yield DOCS / f"{entity.name}.md", entity_page(entity)


def _introduction() -> list[str]:
    return [
        "# Events",
        "",
        "Generated from `shared/events` by `make docs`; do not edit. As AsyncAPI: [asyncapi.json](asyncapi.json).",
        "",
        "Every record is a CloudEvent 1.0 in Kafka's binary mode: a JSON body and the headers `ce_specversion`,",
        "`ce_id`, `ce_source`, `ce_type`, `ce_time`, `content-type` and `traceparent`. Unknown fields are passed over.",
        "An upstream system only ever publishes `file-uploaded`; the `ce_*` headers are welcome there, not required:",
        "",
        "```json",
        json.dumps(EXAMPLE_UPLOAD, indent=2),
        "```",
        "",
        "The version of an event is the last part of its `ce_type`. Fields may be added as optional ones within a",
        "version; anything else is a new version.",
    ]


def _section(topic: Topic) -> Iterator[str]:
    yield from ("", f"## {topic.name}", "", " ".join((topic.event.__doc__ or "").split()), "")
    groups = " and ".join(f"`{group}`" for group in topic.groups)
    consumer = f"consumed by {groups}" if groups else "for whoever wants to know"
    letters = f"dead letters on `{topic.dead_letter}`"
    yield f"`{topic.event.ce_type}` · {topic.partitions} partitions · {consumer} · {letters}"
    yield from ("", "| field | type | required | |", "|---|---|---|---|")
    schema = topic.event.model_json_schema()
    for name, field in schema["properties"].items():
        required = "yes" if name in schema["required"] else "no"
        yield f"| `{name}` | {_type_name(field)} | {required} | {field.get('description', '')} |"


def _type_name(field: dict[str, Any]) -> str:
    options = [field, *field.get("anyOf", ())]
    names = [
        str(option.get("format") or option.get("type") or option["$ref"].rsplit("/", 1)[-1])
        for option in options
        if option.keys() & {"type", "$ref"} and option.get("type") != "null"
    ]
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    """Write every generated document."""
    for path, content in documents():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


if __name__ == "__main__":
    main()
