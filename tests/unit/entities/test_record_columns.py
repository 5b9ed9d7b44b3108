"""By what a column says chunks are cut: whoever corrects it has them cut again, and who reads rows reads keys of it."""

import pytest

from services.parser.mapping.record_keys import RecordKeys
from shared.entities.crm import CRM, FOUND_BY
from shared.entities.declaration import EntityType, Field, Kind, Origin
from shared.entities.record_columns import cuts_by
from shared.values import How

SAID = {
    Kind.ID: "01a217d6-58c9-75c3-a41f-3433704b6549",
    Kind.EMAIL: "ada@acme.example",
    Kind.LINK: "acme.example",
    Kind.PHONE: "+45 32 12 34 56",
}


def _with_own(entity: EntityType) -> EntityType:
    own = [
        Field("badge", "Badge", Kind.TEXT, "", "", origin=Origin.OWN, is_unique=True),
        Field("remark", "Remark", Kind.TEXT, "", "", origin=Origin.OWN),
        Field(
            "like", "Like", Kind.RECORD, "", "", origin=Origin.OWN, target=entity.name, found_by=FOUND_BY[entity.name]
        ),
    ]
    return entity.with_fields(own)


@pytest.mark.parametrize("entity", [_with_own(entity) for entity in CRM], ids=lambda entity: entity.name)
@pytest.mark.parametrize("names_others", [True, False], ids=["with a column of others", "without"])
def test_chunks_are_cut_by_exactly_the_columns_that_rows_have_keys_of(entity: EntityType, names_others: bool) -> None:
    columns = [field for field in entity.fields if names_others or field.code != "like"]
    fields = {field.code: index for index, field in enumerate(columns)}
    keys = RecordKeys(entity, fields, How())
    for field in columns:
        said = SAID[Kind.ID] if field.kind is Kind.RECORD else SAID.get(field.kind, "Ada")
        cells = [said if each is field else None for each in columns]
        assert bool(keys.of(cells)) == cuts_by(field, entity, fields), field.code
