"""Fields of records: everybody of a tenant sees them, administrators add the tenant's own."""

from typing import Annotated, Any, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Response

from services.gateway import problems
from services.gateway.asking import Admin, Viewer, Ways
from services.gateway.imports.transactions import acting, reading
from services.gateway.people import tenant_of
from services.gateway.texts import can_be_kept
from shared.api.custom_fields import (
    CrmType,
    CustomField,
    CustomFieldChange,
    CustomFieldList,
    FieldOption,
    NewCustomField,
    OptionAsked,
)
from shared.entities.crm import CRM
from shared.entities.declaration import EntityType, Field
from shared.entities.own_fields import own_field, type_of
from shared.intake.custom_fields import (
    FieldRefused,
    OwnField,
    WantedField,
    WantedOption,
    add_field,
    change_field,
    find_field,
    list_fields,
    remove_field,
)

router = APIRouter(prefix="/v1/custom-fields", tags=["records"])
log = structlog.get_logger(__name__)

_WITHOUT_NULL: Final = ("name", "required", "options")


@router.get("", operation_id="list_custom_fields", responses=problems.of(401, 403, 422))
async def list_custom_fields(
    ways: Ways, person: Viewer, entity_type: Annotated[CrmType | None, Query(description="Of this one alone.")] = None
) -> CustomFieldList:
    """The fields of records: those of every tenant, and the tenant's own."""
    async with reading(ways, person) as conn:
        own = await list_fields(conn)
    items: list[CustomField] = []
    for entity in CRM:
        if entity_type in {None, entity.name}:
            items += [_declared(entity, field) for field in entity.fields]
            items += [_said(field) for field in own if field.entity_type == entity.name]
    return CustomFieldList(items=tuple(items))


@router.post("", operation_id="add_custom_field", status_code=201, responses=problems.of(401, 403, 409, 422))
async def add_custom_field(ways: Ways, person: Admin, asked: NewCustomField) -> CustomField:
    """Add a field. Nothing has to be deployed: files may have it from now on."""
    _check_texts(asked.name, asked.options)
    wanted = WantedField(
        entity_type=asked.entity_type,
        code=asked.code,
        name=asked.name,
        type=asked.type,
        multi=asked.multi,
        is_unique=asked.unique,
        required=asked.required,
        most=asked.most,
        longest=asked.longest,
        decimals=asked.decimals,
        target=asked.target,
        options=tuple(WantedOption(option.name) for option in asked.options),
    )
    try:
        async with acting(ways, person) as conn:
            field = await add_field(conn, tenant_of(person), wanted, by=person.user)
    except FieldRefused as refused:
        raise problems.invalid(refused.field, refused.message) from refused
    log.info("custom_field.added", tenant=person.tenant, entity_type=field.entity_type, code=field.code, by=person.user)
    return _said(field)


@router.get("/{field_id}", operation_id="get_custom_field", responses=problems.of(401, 403, 404, 422))
async def get_custom_field(ways: Ways, person: Viewer, field_id: UUID) -> CustomField:
    """One of the tenant's own fields."""
    async with reading(ways, person) as conn:
        found = await find_field(conn, field_id)
    return _said(_known(found))


@router.patch("/{field_id}", operation_id="change_custom_field", responses=problems.of(401, 403, 404, 422))
async def change_custom_field(ways: Ways, person: Admin, field_id: UUID, asked: CustomFieldChange) -> CustomField:
    """Change what a field is called, whether it is required, its limits, its options. Imports under way are read as before."""
    changes = asked.model_dump(exclude_unset=True)
    for name in _WITHOUT_NULL:
        if name in changes and changes[name] is None:
            raise problems.invalid(name, "it cannot be null; leave it out to keep what is there.")
    _check_texts(asked.name or "", asked.options or ())
    if asked.options is not None:
        changes["options"] = tuple(_option(option) for option in asked.options)
    try:
        async with acting(ways, person) as conn:
            field = await change_field(conn, tenant_of(person), field_id, changes)
    except FieldRefused as refused:
        raise problems.invalid(refused.field, refused.message) from refused
    return _said(_known(field))


@router.delete(
    "/{field_id}",
    operation_id="remove_custom_field",
    status_code=204,
    response_class=Response,
    responses=problems.of(401, 403, 404, 422),
)
async def remove_custom_field(ways: Ways, person: Admin, field_id: UUID) -> None:
    """Remove a field: files have it no more. Records keep what they have of it, and its code stays its own."""
    async with acting(ways, person) as conn:
        if not await remove_field(conn, tenant_of(person), field_id):
            raise problems.unknown("field")
    log.info("custom_field.removed", tenant=person.tenant, field=str(field_id), by=person.user)


def _check_texts(name: str, options: tuple[OptionAsked, ...]) -> None:
    for part, text in (("name", name), *(("options", option.name) for option in options)):
        if not can_be_kept(text):
            raise problems.invalid(part, "no name can have this in it.")


def _option(asked: OptionAsked) -> WantedOption:
    if asked.id is None:
        return WantedOption(asked.name)
    try:
        return WantedOption(asked.name, UUID(asked.id))
    except ValueError:
        raise problems.invalid("options", f"{asked.id} is no option's id; leave the id of a new one out.") from None


def _known(field: OwnField | None) -> OwnField:
    if field is None:
        raise problems.unknown("field")
    return field


def _declared(entity: EntityType, field: Field) -> CustomField:
    """A field that every tenant has."""
    options = tuple(FieldOption(id=option.id, name=option.name) for option in field.options)
    return CustomField(
        id=None,
        created_at=None,
        updated_at=None,
        **_shape(entity.name, field),
        origin="native" if field.origin == "native" else "built_in",
        type=type_of(field),
        options=options,
    )


def _said(field: OwnField) -> CustomField:
    options = tuple(FieldOption(id=str(id_), name=name) for id_, name in field.options)
    declared = own_field({**field.__dict__, "options": ()})
    return CustomField(
        id=field.id,
        created_at=field.created_at,
        updated_at=field.updated_at,
        **{**_shape(field.entity_type, declared), "decimals": field.decimals},
        origin="own",
        type=field.type,
        options=options,
    )


def _shape(entity_type: str, field: Field) -> dict[str, Any]:
    return {
        "entity_type": entity_type,
        "code": field.code,
        "name": field.heading,
        "multi": field.multi,
        "unique": field.is_unique,
        "required": field.required,
        "most": field.most,
        "longest": field.longest,
        "decimals": None if field.decimals is None else field.decimals.scale,
        "target": field.target,
        "headings": (field.heading, *field.aliases),
    }
