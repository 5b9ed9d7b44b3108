"""Webhooks: made, changed and looked at by a tenant's administrators. Their addresses may hold secrets, so by nobody else."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import RowMapping

from services.gateway import problems, webhooks
from services.gateway.asking import Admin, Viewer, Ways
from services.gateway.cursors import hand_out, list_name, take_back
from services.gateway.people import tenant_of
from services.gateway.resources import Gateway
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
from shared.db.transaction import tenant_transaction
from shared.webhooks.addresses import AddressRefused
from shared.webhooks.signing import signing_key, webhook_secret

router = APIRouter(prefix="/v1", tags=["webhooks"])

_WEBHOOKS = list_name("webhooks", {})

After = Annotated[str | None, Query(max_length=3000, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=100)]


@router.get("/webhooks", operation_id="list_webhooks", responses=problems.of(401, 403, 422))
async def list_webhooks(ways: Ways, person: Admin, after: After = None, limit: Limit = 50) -> WebhookPage:
    """The tenant's webhooks, the oldest first."""
    place = None if after is None else take_back(_WEBHOOKS, after, UUID)[0]
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        found = await webhooks.listed(conn, after=place, limit=limit + 1)
    shown = tuple(_said(one) for one in found[:limit])
    return WebhookPage(items=shown, next=hand_out(_WEBHOOKS, shown[-1].id) if len(found) > limit else None)


@router.post("/webhooks", operation_id="make_webhook", status_code=201, responses=problems.of(401, 403, 409, 422))
async def make_webhook(ways: Ways, person: Admin, asked: NewWebhook, response: Response) -> MadeWebhook:
    """Make a webhook. Its secret is in this answer and nowhere else."""
    _check(ways, asked.url)
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        made = await webhooks.make(conn, tenant_of(person), person.user, **asked.model_dump())
    if made is None:
        raise problems.Refused(
            "conflict", f"There are {webhooks.MOST_WEBHOOKS} webhooks; delete one that is not used any more first."
        )
    return _with_secret(ways, made, response)


@router.get("/webhooks/{webhook_id}", operation_id="get_webhook", responses=problems.of(401, 403, 404, 422))
async def get_webhook(ways: Ways, person: Admin, webhook_id: UUID) -> Webhook:
    """One webhook: whether it works, and why not."""
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        return _said(_known(await webhooks.read(conn, webhook_id)))


@router.patch("/webhooks/{webhook_id}", operation_id="change_webhook", responses=problems.of(401, 403, 404, 422))
async def change_webhook(ways: Ways, person: Admin, webhook_id: UUID, asked: WebhookChange) -> Webhook:
    """Change a webhook, or switch it off or on. What waits for one that is off is given up, and can be sent again."""
    if asked.url is not None:
        _check(ways, asked.url)
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        return _said(_known(await webhooks.change(conn, webhook_id, asked.model_dump(exclude_none=True))))


@router.delete(
    "/webhooks/{webhook_id}",
    operation_id="delete_webhook",
    status_code=204,
    response_class=Response,
    responses=problems.of(401, 403, 404, 422),
)
async def delete_webhook(ways: Ways, person: Admin, webhook_id: UUID) -> None:
    """Delete a webhook, with all that was delivered to it or waits."""
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        if not await webhooks.delete(conn, webhook_id):
            raise problems.unknown("webhook")


@router.post(
    "/webhooks/{webhook_id}/rotate", operation_id="rotate_webhook_secret", responses=problems.of(401, 403, 404, 422)
)
async def rotate_webhook_secret(ways: Ways, person: Admin, webhook_id: UUID, response: Response) -> MadeWebhook:
    """Give a webhook another secret, said in this answer and nowhere else. For 24 hours the one before signs as well."""
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        rotated = _known(await webhooks.rotate(conn, webhook_id))
    return _with_secret(ways, rotated, response)


@router.post(
    "/webhooks/{webhook_id}/ping",
    operation_id="ping_webhook",
    status_code=202,
    responses=problems.of(401, 403, 404, 409, 422),
)
async def ping_webhook(ways: Ways, person: Admin, webhook_id: UUID) -> WebhookDelivery:
    """Send something that says nothing, to try it out. What became of it is in its delivery, a second later."""
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        _active(_known(await webhooks.read(conn, webhook_id)))
        return _delivery(await webhooks.ping(conn, tenant_of(person), webhook_id))


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    operation_id="list_webhook_deliveries",
    responses=problems.of(401, 403, 404, 422),
)
async def list_webhook_deliveries(
    ways: Ways, person: Admin, webhook_id: UUID, after: After = None, limit: Limit = 50
) -> WebhookDeliveryPage:
    """What was sent to a webhook in the last 30 days, newest first, with what was answered."""
    name = list_name("deliveries", {"webhook": webhook_id})
    before = None
    if after is not None:
        at, delivery_id = take_back(name, after, datetime, UUID)
        before = (at, delivery_id)
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        _known(await webhooks.read(conn, webhook_id))
        found = await webhooks.deliveries(conn, tenant_of(person), webhook_id, before=before, limit=limit + 1)
    shown = tuple(_delivery(one) for one in found[:limit])
    more = hand_out(name, shown[-1].created_at, shown[-1].id) if len(found) > limit else None
    return WebhookDeliveryPage(items=shown, next=more)


@router.get("/deliveries/{delivery_id}", operation_id="get_webhook_delivery", responses=problems.of(401, 403, 404, 422))
async def get_webhook_delivery(ways: Ways, person: Admin, delivery_id: UUID) -> WebhookDelivery:
    """One delivery."""
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        if (found := await webhooks.read_delivery(conn, delivery_id)) is None:
            raise problems.unknown("delivery")
    return _delivery(found)


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    operation_id="redeliver",
    status_code=202,
    responses=problems.of(401, 403, 404, 409, 422),
)
async def redeliver(ways: Ways, person: Admin, delivery_id: UUID) -> WebhookDelivery:
    """Send a delivery again, now, whatever became of it: under its id, with its body."""
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        if (found := await webhooks.read_delivery(conn, delivery_id)) is None:
            raise problems.unknown("delivery")
        _active(_known(await webhooks.read(conn, found["webhook_id"])))
        return _delivery(await webhooks.send_again(conn, delivery_id))


@router.get("/me/mail", operation_id="get_mail_choice", responses=problems.of(401, 403))
async def get_mail_choice(ways: Ways, person: Viewer) -> MailWanted:
    """Whether you get e-mail when an import of yours ends with failures."""
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        return MailWanted(failures=await webhooks.wants_mail(conn, person.user))


@router.put("/me/mail", operation_id="choose_mail", responses=problems.of(401, 403, 422))
async def choose_mail(ways: Ways, person: Viewer, asked: MailChoice) -> MailWanted:
    """Say whether you want it."""
    async with tenant_transaction(ways.own, tenant_of(person)) as conn:
        await webhooks.choose_mail(conn, tenant_of(person), person.user, wanted=asked.failures)
    return MailWanted(failures=asked.failures)


def _check(ways: Gateway, url: str) -> None:
    try:
        ways.addresses.target(url)
    except AddressRefused as refused:
        raise problems.invalid("url", str(refused)) from refused


def _known(webhook: RowMapping | None) -> RowMapping:
    if webhook is None:
        raise problems.unknown("webhook")
    return webhook


def _active(webhook: RowMapping) -> None:
    if not webhook["active"]:
        raise problems.Refused("conflict", "The webhook is switched off; switch it on first.")


def _said(webhook: RowMapping) -> Webhook:
    return Webhook.model_validate(dict(webhook))


def _delivery(found: RowMapping) -> WebhookDelivery:
    return WebhookDelivery.model_validate(dict(found))


def _with_secret(ways: Gateway, webhook: RowMapping, response: Response) -> MadeWebhook:
    response.headers["Cache-Control"] = "no-store"
    key = signing_key(ways.settings.secret.get_secret_value())
    secret = webhook_secret(key, webhook["id"], webhook["secret_version"])
    return MadeWebhook.model_validate({**webhook, "secret": secret})
