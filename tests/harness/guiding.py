"""An import on the guided path, gone through by whoever tests it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shared.api.guided import Columns, ColumnValue, ColumnValuePage
from shared.api.imports import Import
from shared.api.results import Preview
from tests.harness.gateway import GatewayClient
from tests.harness.world import World, eventually


@dataclass(frozen=True)
class Guide:
    """Goes through a guided import for a tenant."""

    world: World
    sender: GatewayClient
    tenant: str

    async def send(self, path: Path, *, entity: str = "products", mode: str = "create", **options: Any) -> "Guiding":
        """Send a file; its columns are known when this returns."""
        key = self.world.put(self.tenant, path)
        body = {"object_key": key, "entity_type": entity, "mode": mode, "options": {"guided": True, **options}}
        answer = await self.sender.post("/v1/imports", json=body)
        assert answer.status_code == 201, answer.text
        guiding = Guiding(self.sender, f"/v1/imports/{answer.json()['id']}")

        async def read() -> bool:
            found = await guiding.seen()
            return found.ended or (found.guided is not None and found.guided.is_read)

        await eventually("its columns are known", read)
        return guiding


@dataclass(frozen=True)
class Guiding:
    """One import."""

    sender: GatewayClient
    place: str

    @property
    def id(self) -> str:
        """Its id."""
        return self.place.rpartition("/")[2]

    async def seen(self) -> Import:
        return Import.model_validate_json((await self._ok("GET", "")).content)

    async def columns(self) -> Columns:
        return Columns.model_validate_json((await self._ok("GET", "/columns")).content)

    async def field_columns(self) -> Mapping[str, int]:
        """By field, the column that is proposed, or was chosen."""
        return {column.field: column.index for column in (await self.columns()).columns if column.field is not None}

    async def map(self, fields: Mapping[str, int], **said: Any) -> httpx.Response:
        return await self.sender.put(f"{self.place}/mapping", json={"fields": dict(fields), **said})

    async def mapped(self, fields: Mapping[str, int] | None = None, **said: Any) -> Columns:
        """Map it, as proposed where nothing else is said, and wait until every row is checked."""
        answer = await self.map(await self.field_columns() if fields is None else fields, **said)
        assert answer.status_code == 200, answer.text
        await self.decided()
        return await self.columns()

    async def decided(self) -> Preview:
        """What it comes to, when every row is checked."""

        async def look() -> Preview | None:
            found = Preview.model_validate_json((await self._ok("GET", "/preview")).content)
            return found if found.ready else None

        return await eventually("every row is checked", look)

    async def values(self, index: int, **asked: Any) -> ColumnValuePage:
        return ColumnValuePage.model_validate_json(
            (await self._ok("GET", f"/columns/{index}/values", params=asked)).content
        )

    async def replace(
        self, index: int, value: str, replacement: str | None = None, *, skip: bool = False
    ) -> ColumnValue:
        said = {"value": value, "replacement": replacement, "skip": skip}
        return ColumnValue.model_validate_json((await self._ok("PUT", f"/columns/{index}/values", json=said)).content)

    async def take_back(self, index: int, value: str) -> ColumnValue:
        answer = await self._ok("DELETE", f"/columns/{index}/values", params={"value": value})
        return ColumnValue.model_validate_json(answer.content)

    async def step(self, step: str) -> httpx.Response:
        return await self.sender.post(f"{self.place}/step", json={"step": step})

    async def start(self) -> httpx.Response:
        return await self.sender.post(f"{self.place}/start")

    async def started(self) -> Import:
        """Start it, and wait for its end."""
        await self._ok("POST", "/start")
        return await self.ended()

    async def ended(self) -> Import:
        async def look() -> Import | None:
            found = await self.seen()
            return found if found.is_final else None

        return await eventually("it ends", look)

    async def _ok(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = await self.sender.request(method, f"{self.place}{path}", **more)
        assert answer.status_code == 200, answer.text
        return answer
