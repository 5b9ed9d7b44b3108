"""What is signed can be verified by whoever knows Standard Webhooks, and by nobody without the secret."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from uuid import UUID

from shared.webhooks.signing import signed_headers, signing_key, webhook_secret

KEY = signing_key("a gateway's secret of some length")
WEBHOOK = UUID("0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b2")
DELIVERY = UUID("0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b3")
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = '{"type":"import-completed","file":"Frühjahr.xlsx"}'.encode()


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As the specification has it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return expected in headers["webhook-signature"].split(" ")


def headers(*versions: int, body: bytes = BODY) -> dict[str, str]:
    return dict(signed_headers(KEY, WEBHOOK, versions, delivery_id=DELIVERY, at=AT, body=body))


def test_a_receiver_verifies_id_time_and_body() -> None:
    secret = webhook_secret(KEY, WEBHOOK, 1)
    said = headers(1)
    assert said["webhook-id"] == str(DELIVERY)
    assert said["webhook-timestamp"] == str(int(AT.timestamp()))
    assert verified(secret, said, BODY)
    assert not verified(secret, said, BODY + b" ")
    assert not verified(secret, {**said, "webhook-id": str(WEBHOOK)}, BODY)
    assert not verified(secret, {**said, "webhook-timestamp": "1"}, BODY)


def test_after_a_rotation_both_secrets_verify_and_then_only_the_new_one() -> None:
    old, new = (webhook_secret(KEY, WEBHOOK, version) for version in (1, 2))
    assert old != new
    assert verified(old, headers(2, 1), BODY)
    assert verified(new, headers(2, 1), BODY)
    assert not verified(old, headers(2), BODY)


def test_a_secret_is_another_ones_neither_by_webhook_nor_by_key() -> None:
    other = UUID(int=WEBHOOK.int + 1)
    assert webhook_secret(KEY, WEBHOOK, 1) != webhook_secret(KEY, other, 1)
    assert webhook_secret(KEY, WEBHOOK, 1) != webhook_secret(signing_key("another"), WEBHOOK, 1)
    assert len(base64.b64decode(webhook_secret(KEY, WEBHOOK, 1).removeprefix("whsec_"))) == 32


def test_the_signing_key_is_what_the_settings_page_says() -> None:
    """`printf %s webhooks | openssl dgst -sha256 -hmac SECRET`."""
    assert signing_key("s") == hmac.new(b"s", b"webhooks", hashlib.sha256).hexdigest()
