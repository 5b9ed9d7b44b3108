"""`winnow tenants`: whose files are imported. A name that is not registered is refused."""

import asyncio
import sys
from typing import Annotated

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.options import Json, known_tenant, login

app = typer.Typer(help="Whose files are imported: register a tenant, list them, erase one.", no_args_is_help=True)


@app.command("add")
def add(tenant: Annotated[str, typer.Argument(metavar="NAME", help="The tenant's id.")], as_json: Json = False) -> int:
    """Register a tenant. Repeating it changes nothing."""
    name = known_tenant(tenant)

    async def run() -> int:
        from services.cli.direct import connected
        from services.cli.terminal.display import print_json, terminal
        from shared.db.transaction import tenant_transaction
        from shared.ledger.tenants import register_tenant

        async with connected() as winnow, tenant_transaction(winnow.engine("intake"), name) as conn:
            added = await register_tenant(conn, name)
        if added and winnow.services is not None:
            await winnow.services.admitted(name)
        if as_json:
            print_json({"tenant": name, "added": added})
        else:
            terminal().print(f'Tenant "{name}" is registered{"" if added else " already"}.', markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


@app.command("list")
def list_tenants(as_json: Json = False) -> int:
    """The registered tenants, by name."""

    async def run() -> int:
        from services.cli.direct import connected
        from services.cli.terminal.display import moment, print_json, terminal
        from services.cli.terminal.hints import typed
        from shared.ledger.tenants import registered

        async with connected() as winnow, winnow.engine("operator").connect() as conn:
            known = await registered(conn)
        if as_json:
            print_json([{"tenant": each.tenant_id, "registered_at": each.registered_at.isoformat()} for each in known])
        elif not known:
            terminal().print(f"No tenants yet. Register one: {typed('tenants', 'add', 'NAME')}", markup=False)
        for each in [] if as_json else known:
            terminal().print(f"{each.tenant_id}  [dim]{moment(each.registered_at)}[/]")
        return exits.COMPLETED

    return asyncio.run(run())


@app.command("erase")
def erase(
    tenant: Annotated[str, typer.Argument(metavar="NAME", help="The tenant's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> int:
    """Erase everything of a tenant: its imports, its rows, its records in production, its files, its dead letters. For good.

    Needs WINNOW_POSTGRES_ADMIN_URL, a storage key that lists and deletes in both buckets (WINNOW_S3_ADMIN_ACCESS_KEY and
    WINNOW_S3_ADMIN_SECRET_KEY, else the one the command has), and Kafka. That it was done is recorded: `winnow tenants erased`.
    """
    name = known_tenant(tenant)
    if not yes:
        _ask(name)

    async def run() -> int:
        from services.cli.direct import connected
        from services.cli.terminal.display import print_json, terminal
        from shared.intake.erasure import SentMeanwhile, TenantInUse, erase_tenant

        async with connected() as winnow, winnow.letter_erasure() as letters:
            try:
                erased = await erase_tenant(
                    winnow.engine("administrator"), winnow.everything, winnow.buckets, letters, name, asked_by=login()
                )
            except (TenantInUse, SentMeanwhile) as refused:
                raise CommandFailed(str(refused)) from None
        if as_json:
            print_json(
                {
                    "tenant": name,
                    "rows": dict(erased.rows),
                    "objects": dict(erased.objects),
                    "dead_letters": erased.dead_letters,
                }
            )
        elif erased.nothing:
            terminal().print(f'There is nothing of a tenant "{name}".', markup=False)
        else:
            for where, number in sorted({**erased.rows, **erased.objects, "dead letters": erased.dead_letters}.items()):
                terminal().print(f"{number:>12,}  {where}", markup=False, highlight=False)
            terminal().print(f'Everything of tenant "{name}" is erased.', markup=False)
        return exits.COMPLETED

    return asyncio.run(run())


@app.command("erased")
def list_erased(as_json: Json = False) -> int:
    """The tenants that were erased: when, by whom, and how much it was."""

    async def run() -> int:
        from dataclasses import asdict

        from services.cli.direct import connected
        from services.cli.terminal.display import moment, print_json, terminal
        from shared.intake.erasure import read_erasures

        async with connected() as winnow, winnow.engine("operator").connect() as conn:
            known = await read_erasures(conn)
        if as_json:
            print_json([asdict(each) for each in known])
        elif not known:
            terminal().print("No tenant was erased.", markup=False)
        for each in [] if as_json else known:
            rows, objects = (sum(each.erased.get(kind, {}).values()) for kind in ("rows", "objects"))
            how = "" if each.ended_at is not None else "  interrupted: repeat it"
            terminal().print(
                f"{each.tenant}  {moment(each.began_at)}  by {each.asked_by}: {rows:,} rows, {objects:,} files, "
                f"{each.erased.get('dead_letters', 0):,} dead letters{how}",
                markup=False,
            )
        return exits.COMPLETED

    return asyncio.run(run())


def _ask(tenant: str) -> None:
    if not sys.stdin.isatty():
        raise CommandFailed(
            f'Everything of tenant "{tenant}" would be erased for good; say --yes if that is meant', code=exits.USAGE
        )
    said = typer.prompt(f'Everything of tenant "{tenant}" will be erased for good. Type its name', err=True)
    if said != tenant:
        raise CommandFailed("That is another name; nothing is erased")
