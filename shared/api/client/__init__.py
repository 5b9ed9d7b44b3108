"""A client of the API: a method for each of its operations, named as that is; uploads that resume; progress as it happens.

    async with Client("https://winnow.example.com", token) as winnow:
        upload_id = await winnow.upload(Path("autumn.xlsx"))
        new = NewImport(upload_id=upload_id, entity_type="products", mode="create")
        sent = await winnow.create_import(new, idempotency_key="autumn-2026")
        async for seen in winnow.watch_import(sent.known.id):
            print(seen.standing, seen.percent)

What is refused, and what does not come through, is an `ApiError`: `shared.api.client.problems` has the tree of them.
"""

from shared.api.client.calls.client import Client
from shared.api.client.problems import (
    ApiError,
    Contradicts,
    FieldError,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Refused,
    TooMany,
    Unavailable,
    Unforeseen,
    Unreachable,
)
from shared.api.client.requests import Patience, Token

__all__ = [
    "ApiError",
    "Client",
    "Contradicts",
    "FieldError",
    "NotAllowed",
    "NotFound",
    "NotSignedIn",
    "Patience",
    "Refused",
    "Token",
    "TooMany",
    "Unavailable",
    "Unforeseen",
    "Unreachable",
]
