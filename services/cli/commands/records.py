"""`winnow custom-fields`, `winnow members`, `winnow settings`: what a tenant decides of its records."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.options import Json, Tenant
from shared.entities.crm import CRM
from shared.entities.own_fields import TARGETS, Type

if TYPE_CHECKING:
    from shared.api.client import Client
    from shared.api.custom_fields import CustomField
    from shared.api.members import Member

fields_app = typer.Typer(help="Fields of records: list them, add and remove your own.", no_args_is_help=True)
members_app = typer.Typer(help="The people whom records can name as owners and assignees.", no_args_is_help=True)
settings_app = typer.Typer(help="How your files write dates, numbers, times and phone numbers.", no_args_is_help=True)

_TYPES = ", ".join(Type)
_ENTITIES = ", ".join(entity.name for entity in CRM)
_PAGE = 200


def _crm_type(entity: str) -> str:
    if entity not in {known.name for known in CRM}:
        raise CommandFailed(f'--entity "{entity}" has no fields of your own; choose {_ENTITIES}', code=exits.USAGE)
    return entity


def _type(name: str) -> str:
    if name.replace("-", "_") not in set(Type):
        raise CommandFailed(f'--type "{name}" is not known; choose {_TYPES}', code=exits.USAGE)
    return name.replace("-", "_")


Entity = Annotated[str, typer.Option(parser=_crm_type, metavar="NAME", help=f"Whose field it is: {_ENTITIES}.")]
Code = Annotated[
    str, typer.Option(metavar="CODE", help="Letters, digits and _; a column custom_fields_CODE of a file means it.")
]


@fields_app.command("list")
def list_fields(
    entity: Annotated[
        str | None, typer.Option(parser=_crm_type, metavar="NAME", help=f"Of this one alone: {_ENTITIES}.")
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="Only your own.")] = False,
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """The fields of records: those everybody has, and your own."""

    async def run() -> int:
        from services.cli.reach import reached
        from services.cli.terminal.display import plain, print_json, terminal

        async with reached(tenant) as winnow:
            found = await winnow.api.list_custom_fields(entity_type=entity)  # type: ignore[arg-type]
        items = [field for field in found.items if field.origin == "own" or not own]
        if as_json:
            print_json([field.model_dump(mode="json") for field in items])
            return exits.COMPLETED
        for field in items:
            mark = "[bold]your own[/]  " if field.origin == "own" else ""
            terminal().print(f"{field.entity_type}.{field.code}  {mark}{plain(field.name)}  [dim]{_words(field)}[/]")
        if not items:
            terminal().print("None.", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


@fields_app.command("add")
def add_field(
    entity: Entity,
    code: Code,
    type_: Annotated[str, typer.Option("--type", parser=_type, metavar="TYPE", help=f"What it holds: {_TYPES}.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What people call it, and a heading; else the code.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="NAME", help="One to choose from; as often as there are.")
    ] = None,
    multi: Annotated[bool, typer.Option("--multi", help="Several values: email, link, phone and record.")] = False,
    unique: Annotated[
        bool, typer.Option("--unique", help="No two records have the same: text, email, link and phone.")
    ] = False,
    required: Annotated[bool, typer.Option("--required", help="New records have to have it.")] = False,
    most: Annotated[int | None, typer.Option(min=1, metavar="N", help="How many values at most.")] = None,
    longest: Annotated[int | None, typer.Option(min=1, metavar="N", help="Of a text, how many characters.")] = None,
    decimals: Annotated[int | None, typer.Option(min=0, metavar="N", help="Of a number, how many places.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Of a record field, what it names: {', '.join(TARGETS)}.")
    ] = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """Add a field of your own. Files may have it from now on."""
    from pydantic import ValidationError

    from shared.api.custom_fields import NewCustomField, OptionAsked

    try:
        new = NewCustomField.model_validate(
            {
                "entity_type": entity,
                "code": code,
                "name": name or code,
                "type": type_,
                "multi": multi,
                "unique": unique,
                "required": required,
                "most": most,
                "longest": longest,
                "decimals": decimals,
                "target": target,
                "options": tuple(OptionAsked(name=each) for each in option or ()),
            }
        )
    except ValidationError as error:
        wrong = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in wrong["loc"])
        raise CommandFailed(f"--{where}: {wrong['msg']}", code=exits.USAGE) from None

    async def run() -> int:
        from services.cli.reach import reached
        from services.cli.terminal.display import print_json, terminal

        async with reached(tenant, as_admin=True) as winnow:
            field = await winnow.api.add_custom_field(new)
        if as_json:
            print_json(field.model_dump(mode="json"))
        else:
            headings = " or ".join(f'"{heading}"' for heading in field.headings)
            terminal().print(f"{field.entity_type} have it: a column {headings} of a file means it.", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


@fields_app.command("remove")
def remove_field(entity: Entity, code: Code, tenant: Tenant = None, as_json: Json = False) -> int:
    """Remove a field of your own. Records keep what they have of it; added again as it was, it is there again."""

    async def run() -> int:
        from services.cli.reach import reached
        from services.cli.terminal.display import print_json, terminal

        async with reached(tenant, as_admin=True) as winnow:
            found = await winnow.api.list_custom_fields(entity_type=entity)  # type: ignore[arg-type]
            field = next((one for one in found.items if one.code == code.lower()), None)
            if field is None or field.id is None:
                why = "is everybody's, and cannot be removed" if field is not None else "is no field"
                own = ", ".join(one.code for one in found.items if one.origin == "own") or "none"
                raise CommandFailed(f'"{code}" {why}; your own of {entity}: {own}', code=exits.USAGE)
            await winnow.api.remove_custom_field(field.id)
        if as_json:
            print_json({"id": str(field.id), "code": field.code, "removed": True})
        else:
            terminal().print(f'"{field.name}" is no field of {entity} any more.', markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


@members_app.command("list")
def list_members(
    search: Annotated[str, typer.Option(metavar="TEXT", help="Only whose name or address contains this.")] = "",
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """Everybody who has signed in, and who was entered."""

    async def run() -> int:
        from services.cli.reach import reached
        from services.cli.terminal.display import plain, print_json, terminal

        async with reached(tenant) as winnow:
            found = [member async for member in _members(winnow.api, search)]
        if as_json:
            print_json([member.model_dump(mode="json") for member in found])
            return exits.COMPLETED
        for member in found:
            since = "" if member.has_signed_in else "  [dim]has not signed in yet[/]"
            terminal().print(f"{plain(member.name)}  {plain(member.email or '')}{since}  [dim]{member.id}[/]")
        if not found:
            terminal().print("None.", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


@members_app.command("add")
def add_member(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="By which files name them.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What they are called; else the address.")] = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """Enter somebody who has not signed in yet. Whoever has the address already stays as they are."""

    async def run() -> int:
        from pydantic import ValidationError

        from services.cli.reach import reached
        from services.cli.terminal.display import print_json, terminal
        from shared.api.members import NewMember

        try:
            new = NewMember(email=email, name=name)
        except ValidationError:
            raise CommandFailed(
                f'"{email}" is no e-mail address, or the name cannot be one', code=exits.USAGE
            ) from None
        async with reached(tenant, as_admin=True) as winnow:
            member = await winnow.api.add_member(new)
        if as_json:
            print_json(member.model_dump(mode="json"))
        else:
            terminal().print(f"{member.name} ({member.email}) can be named as owner and assignee.", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


@members_app.command("remove")
def remove_member(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Whose address it is, or the member's id.")],
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """Let no file find a member any more. Who signs in again is one again."""

    async def run() -> int:
        from services.cli.reach import reached
        from services.cli.terminal.display import print_json, terminal

        async with reached(tenant, as_admin=True) as winnow:
            meant = email.strip().lower()
            found = [member async for member in _members(winnow.api, "") if meant in {member.email, str(member.id)}]
            if not found:
                raise CommandFailed(f'"{email}" is no member\'s address or id', code=exits.USAGE)
            await winnow.api.remove_member(found[0].id)
        if as_json:
            print_json({"id": str(found[0].id), "removed": True})
        else:
            terminal().print(f"{found[0].name} is found no more.", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


@settings_app.command("show")
def show_settings(tenant: Tenant = None, as_json: Json = False) -> int:
    """How values are meant that do not say it themselves."""

    async def run() -> int:
        from services.cli.reach import reached

        async with reached(tenant) as winnow:
            found = await winnow.api.get_settings()
        _show(found.model_dump(mode="json"), as_json=as_json)
        return exits.COMPLETED

    return asyncio.run(run())


@settings_app.command("set")
def set_settings(
    region: Annotated[
        str | None, typer.Option(metavar="CC", help="Whose phone numbers have no country's code: DK, US, …")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Where times are that name no zone: Europe/Copenhagen, …")
    ] = None,
    date_format: Annotated[
        str | None, typer.Option(metavar="FORM", help="iso, european or american, where no date of a column decides.")
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(metavar="SIGN", help="point or comma, where no number of a column decides.")
    ] = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> int:
    """Say how values are meant, for files that are read from now on."""
    from pydantic import ValidationError

    from shared.api.settings import SettingsChange

    asked = {"region": region, "time_zone": time_zone, "date_format": date_format, "decimal": decimal}
    said = {option: value for option, value in asked.items() if value is not None}
    if not said:
        raise CommandFailed("say what: --region, --time-zone, --date-format or --decimal", code=exits.USAGE)
    try:
        change = SettingsChange.model_validate(said)
    except ValidationError as error:
        wrong = error.errors(include_input=False)[0]
        option = str(wrong["loc"][0]).replace("_", "-")
        raise CommandFailed(f"--{option}: {wrong['msg']}", code=exits.USAGE) from None

    async def run() -> int:
        from services.cli.reach import reached

        async with reached(tenant, as_admin=True) as winnow:
            found = await winnow.api.change_settings(change)
        _show(found.model_dump(mode="json"), as_json=as_json)
        return exits.COMPLETED

    return asyncio.run(run())


def _show(said: dict[str, object], *, as_json: bool) -> None:
    from services.cli.terminal.display import print_json, terminal

    if as_json:
        print_json(said)
        return
    for name in ("region", "time_zone", "date_format", "decimal"):
        terminal().print(f"{name.replace('_', ' '):<12} {said[name]}", markup=False, highlight=False)


async def _members(api: "Client", search: str) -> "AsyncIterator[Member]":
    after = None
    while True:
        page = await api.list_members(q=search or None, after=after, limit=_PAGE)
        for member in page.items:
            yield member
        after = page.next
        if after is None:
            return


def _words(field: "CustomField") -> str:
    words = [field.type.replace("_", " ")]
    words += ["several" if field.most is None else f"up to {field.most}"] if field.multi else []
    words += [word for word, holds in (("unique", field.unique), ("required", field.required)) if holds]
    if field.target:
        words.append(f"of {field.target}")
    if field.options:
        words.append(f"{len(field.options)} options")
    return ", ".join(words)
