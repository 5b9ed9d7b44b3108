"""Who asks, keys of systems, webhooks and mails."""

from uuid import UUID

from shared.api.api_keys import ApiKey, MadeApiKey, NewApiKey
from shared.api.client.calls.asking import Asking
from shared.api.pages import Page
from shared.api.people import Me
from shared.api.webhooks import (
    MadeWebhook,
    MailChoice,
    MailWanted,
    NewWebhook,
    Webhook,
    WebhookChange,
    WebhookDelivery,
    WebhookDeliveryPage,
    WebhookPage,
)


class PeopleCalls(Asking):
    """What belongs to a login, and what its tenant's administrators look after."""

    async def get_me(self) -> Me:
        """Who the token is of."""
        return await self._get(Me, "/v1/me")

    async def get_mail_choice(self) -> MailWanted:
        """Of what the login is sent mails."""
        return await self._get(MailWanted, "/v1/me/mail")

    async def choose_mail(self, body: MailChoice) -> MailWanted:
        """Choose of what."""
        return await self._send(MailWanted, "PUT", "/v1/me/mail", body)

    async def list_api_keys(self, *, after: str | None = None, limit: int | None = None) -> Page[ApiKey]:
        """The tenant's keys, newest first."""
        return await self._get(Page[ApiKey], "/v1/api-keys", after=after, limit=limit)

    async def make_api_key(self, body: NewApiKey) -> MadeApiKey:
        """Make a key; its secret is said only here."""
        return await self._send(MadeApiKey, "POST", "/v1/api-keys", body)

    async def revoke_api_key(self, key_id: UUID) -> ApiKey:
        """Revoke a key."""
        return await self._send(ApiKey, "DELETE", f"/v1/api-keys/{key_id}")

    async def list_webhooks(self, *, after: str | None = None, limit: int | None = None) -> WebhookPage:
        """The tenant's webhooks."""
        return await self._get(WebhookPage, "/v1/webhooks", after=after, limit=limit)

    async def make_webhook(self, body: NewWebhook) -> MadeWebhook:
        """Make a webhook; its secret is said only here."""
        return await self._send(MadeWebhook, "POST", "/v1/webhooks", body)

    async def get_webhook(self, webhook_id: UUID) -> Webhook:
        """One webhook."""
        return await self._get(Webhook, f"/v1/webhooks/{webhook_id}")

    async def change_webhook(self, webhook_id: UUID, body: WebhookChange) -> Webhook:
        """Change what is said of it."""
        return await self._send(Webhook, "PATCH", f"/v1/webhooks/{webhook_id}", body)

    async def delete_webhook(self, webhook_id: UUID) -> None:
        """Delete it."""
        await self._requests.ask("DELETE", f"/v1/webhooks/{webhook_id}")

    async def rotate_webhook_secret(self, webhook_id: UUID) -> MadeWebhook:
        """Give it another secret, said only here."""
        return await self._send(MadeWebhook, "POST", f"/v1/webhooks/{webhook_id}/rotate")

    async def ping_webhook(self, webhook_id: UUID) -> WebhookDelivery:
        """Have something sent to it, to see whether it arrives."""
        return await self._send(WebhookDelivery, "POST", f"/v1/webhooks/{webhook_id}/ping")

    async def list_webhook_deliveries(
        self, webhook_id: UUID, *, after: str | None = None, limit: int | None = None
    ) -> WebhookDeliveryPage:
        """What was sent to it, newest first."""
        path = f"/v1/webhooks/{webhook_id}/deliveries"
        return await self._get(WebhookDeliveryPage, path, after=after, limit=limit)

    async def get_webhook_delivery(self, delivery_id: UUID) -> WebhookDelivery:
        """One of them."""
        return await self._get(WebhookDelivery, f"/v1/deliveries/{delivery_id}")

    async def redeliver(self, delivery_id: UUID) -> WebhookDelivery:
        """Have it sent again."""
        return await self._send(WebhookDelivery, "POST", f"/v1/deliveries/{delivery_id}/redeliver")
