"""`winnow tenants`: whose files are imported. A name that is not registered is refused."""

import asyncio
from typing import Annotated

import typer

from services.cli import exits
from services.cli.terminal.options import Json, known_tenant

app = typer.Typer(help="Whose files are imported: register a tenant, list them.", no_args_is_help=True)


@app.command("add")
def add(tenant: Annotated[str, typer.Argument(metavar="NAME", help="The tenant's id.")], as_json: Json = False) -> int:
    """Register a tenant. Repeating it changes nothing."""
    name = known_tenant(tenant)

    async def run() -> int:
        from services.cli.client import connected
        from services.cli.terminal.display import print_json, terminal
        from shared.db.transaction import tenant_transaction
        from shared.ledger.tenants import register_tenant

        async with connected() as winnow, tenant_transaction(winnow.engine("intake"), name) as conn:
            added = await register_tenant(conn, name)
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
        from services.cli.client import connected
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
