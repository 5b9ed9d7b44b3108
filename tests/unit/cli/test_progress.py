"""Waiting for an import that nobody knows ends."""

import io
from uuid import UUID, uuid4

import pytest
from rich.console import Console

from services.cli.client import Client
from services.cli.exits import FAILED, CommandFailed
from services.cli.settings import ClientSettings
from services.cli.terminal.progress import watch_import
from shared.ledger import ImportProgress


class Empty(Client):
    """A Winnow without any import."""

    async def progress(self, import_id: UUID, *, tenant: str | None = None) -> ImportProgress | None:
        return None


async def test_an_import_that_does_not_come_to_be_is_said_to_be_unknown() -> None:
    with pytest.raises(CommandFailed, match="There is no import") as failed:
        await watch_import(Empty(ClientSettings()), uuid4(), Console(file=io.StringIO()), unknown_after=0)
    assert failed.value.code == FAILED
