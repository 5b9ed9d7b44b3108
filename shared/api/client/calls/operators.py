"""For operators: ids and numbers of all tenants."""

from uuid import UUID

from shared.api.client.calls.asking import Asking, part
from shared.api.operations import AllRedriven, DeadLetterDetails, DeadLetterPage, Operations, Redriven

_LETTERS = "/v1/operations/dead-letters"


class OperatorCalls(Asking):
    """Stages, imports that do not move, dead letters."""

    async def get_operations(self) -> Operations:
        """How the stages keep up."""
        return await self._get(Operations, "/v1/operations")

    async def fail_stuck_import(self, import_id: UUID) -> None:
        """Mark an import as failed of which nothing has moved for 30 minutes."""
        await self._requests.ask("POST", f"/v1/operations/imports/{import_id}/fail")

    async def list_dead_letters(self, *, after: str | None = None, limit: int | None = None) -> DeadLetterPage:
        """Events no stage could act on, the oldest first."""
        return await self._get(DeadLetterPage, _LETTERS, after=after, limit=limit)

    async def get_dead_letter(self, letter_id: str) -> DeadLetterDetails:
        """One of them, by its id or reference."""
        return await self._get(DeadLetterDetails, f"{_LETTERS}/{part(letter_id)}")

    async def redrive_dead_letter(self, letter_id: str) -> Redriven:
        """Send one back to where it came from."""
        return await self._send(Redriven, "POST", f"{_LETTERS}/{part(letter_id)}/redrive")

    async def redrive_all_dead_letters(self) -> AllRedriven:
        """Send back every one that waits."""
        return await self._send(AllRedriven, "POST", f"{_LETTERS}/redrive")
