"""Fields of records, whom they can name, and how their values are written."""

from uuid import UUID

from shared.api.client.calls.asking import Asking
from shared.api.custom_fields import CrmType, CustomField, CustomFieldChange, CustomFieldList, NewCustomField
from shared.api.members import Member, MemberPage, NewMember
from shared.api.settings import Settings, SettingsChange


class RecordCalls(Asking):
    """What a tenant decides of its records."""

    async def list_custom_fields(self, *, entity_type: CrmType | None = None) -> CustomFieldList:
        """The fields of records: every tenant's, and its own."""
        return await self._get(CustomFieldList, "/v1/custom-fields", entity_type=entity_type)

    async def add_custom_field(self, body: NewCustomField) -> CustomField:
        """Add a field."""
        return await self._send(CustomField, "POST", "/v1/custom-fields", body)

    async def get_custom_field(self, field_id: UUID) -> CustomField:
        """One of the tenant's own."""
        return await self._get(CustomField, f"/v1/custom-fields/{field_id}")

    async def change_custom_field(self, field_id: UUID, body: CustomFieldChange) -> CustomField:
        """Change what is said of it."""
        return await self._send(CustomField, "PATCH", f"/v1/custom-fields/{field_id}", body)

    async def remove_custom_field(self, field_id: UUID) -> None:
        """Remove it; records keep what they have of it."""
        await self._requests.ask("DELETE", f"/v1/custom-fields/{field_id}")

    async def list_members(
        self, *, q: str | None = None, after: str | None = None, limit: int | None = None
    ) -> MemberPage:
        """Whom records can name."""
        return await self._get(MemberPage, "/v1/members", q=q, after=after, limit=limit)

    async def add_member(self, body: NewMember) -> Member:
        """Enter somebody who has not signed in yet."""
        return await self._send(Member, "POST", "/v1/members", body)

    async def remove_member(self, member_id: UUID) -> None:
        """Let no file find a member any more."""
        await self._requests.ask("DELETE", f"/v1/members/{member_id}")

    async def get_settings(self) -> Settings:
        """How values are written."""
        return await self._get(Settings, "/v1/settings")

    async def change_settings(self, body: SettingsChange) -> Settings:
        """Say it otherwise."""
        return await self._send(Settings, "PATCH", "/v1/settings", body)
