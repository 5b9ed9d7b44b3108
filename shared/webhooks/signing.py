"""Secrets of webhooks, and signatures as Standard Webhooks 1.0 has them (https://www.standardwebhooks.com).

No secret is stored: it is worked out from a key of ours, the webhook's id and the version of its secret, so that a copy of the
database signs nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

PREFIX = "whsec_"
_PURPOSE = "webhooks"


def signing_key(secret: str) -> str:
    """What secrets of webhooks are derived from: of the gateway's secret, which the notifier need not know."""
    return hmac.new(secret.encode(), _PURPOSE.encode(), hashlib.sha256).hexdigest()


def webhook_secret(key: str, webhook_id: UUID, version: int) -> str:
    """The secret of a webhook, as its receiver is told it: `whsec_` and 32 bytes in base64."""
    return PREFIX + base64.b64encode(_derived(key, webhook_id, version)).decode()


def signed_headers(
    key: str, webhook_id: UUID, versions: Sequence[int], *, delivery_id: UUID, at: datetime, body: bytes
) -> Mapping[str, str]:
    """The three headers; one signature for each version of the secret that is good at the moment."""
    timestamp = str(int(at.timestamp()))
    content = b".".join((str(delivery_id).encode(), timestamp.encode(), body))
    signatures = [
        "v1,"
        + base64.b64encode(hmac.new(_derived(key, webhook_id, version), content, hashlib.sha256).digest()).decode()
        for version in versions
    ]
    return {
        "webhook-id": str(delivery_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _derived(key: str, webhook_id: UUID, version: int) -> bytes:
    return hmac.new(key.encode(), f"{webhook_id}:{version}".encode(), hashlib.sha256).digest()
