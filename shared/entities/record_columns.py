"""Columns of a file by which its rows are about one record, or wait for one another: chunks are cut by what they say. Pure."""

from collections.abc import Collection

from shared.entities.declaration import EntityType, Field, Kind


def names_its_like(field: Field, entity: EntityType) -> bool:
    """Whether a field names other records of the type itself."""
    return field.kind is Kind.RECORD and field.target == entity.name


def cuts_by(field: Field, entity: EntityType, mapped: Collection[str]) -> bool:
    """Whether chunks are cut by what a field says, in a file that has columns of these codes."""
    if field.code in {*entity.by_identifier, *entity.matches, entity.group_key} or field.is_unique:
        return True
    links = any(names_its_like(each, entity) for each in entity.fields if each.code in mapped)
    return names_its_like(field, entity) or (links and field.code == entity.native)
