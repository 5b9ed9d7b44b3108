"""Waiting for an import that nobody knows ends."""

import io
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from rich.console import Console

from deploy.local.stack import Stack
from services.cli.exits import FAILED, CommandFailed
from services.cli.running import Running
from services.cli.watching import watch_import
from shared.ledger import ImportProgress


class Empty(Running):
    """A Winnow without any import."""

    async def progress(self, import_id: UUID) -> ImportProgress | None:
        return None


async def test_an_import_that_does_not_come_to_be_is_said_to_be_unknown(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="There is no import") as failed:
        await watch_import(Empty(Stack(tmp_path)), uuid4(), Console(file=io.StringIO()), unknown_after=0)
    assert failed.value.code == FAILED
