"""Where the pages of the local stack are, and who one can be there."""

from uuid import UUID

from rich.console import Console

from deploy.local.people import PEOPLE
from deploy.local.stack import Stack


def show_where(stack: Stack, console: Console, import_id: UUID | None = None) -> None:
    """The address of the pages, and of one import; and who may be signed in as, without a password."""
    console.print(
        f"  Pages: [bold]{stack.gateway_url}[/]"
        + ("" if import_id is None else f"   this import: {stack.gateway_url}/imports/{import_id}")
    )
    console.print("  Sign in, without a password, as")
    for person in PEOPLE:
        whose = "all tenants" if person.tenant is None else f"tenant {person.tenant}"
        console.print(f"    {person.name:<15} {whose:<19} [dim]{person.may}[/]")
