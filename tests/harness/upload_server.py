"""A gateway in a process of its own that only takes files, for whoever the header `X-Tenant` names: `python -m tests.harness.upload_server`.

Who asks is found out elsewhere; tests of uploads say it.
"""

import asyncio
from typing import Annotated

import uvicorn
from fastapi import Header

from services.gateway.app import create_app
from services.gateway.asking import someone
from services.gateway.people import Person, Role
from services.gateway.resources import build
from services.gateway.settings import GatewaySettings
from shared.db.engine import create_engine
from shared.observability.health import Health
from shared.runtime.settings import ServiceSettings, StorageSettings

CSRF = "the-form's-own"


def whoever(
    x_tenant: Annotated[str | None, Header()] = None,
    x_role: Annotated[Role, Header()] = Role.IMPORTER,
    x_csrf: Annotated[str | None, Header()] = None,
) -> Person | None:
    """Who a request says it is of."""
    if x_tenant is None:
        return None
    return Person(x_tenant, "tester", "Tester", None, frozenset({x_role}), "session" if x_csrf else "token", x_csrf)


async def main() -> None:
    """Serve until killed."""
    service = ServiceSettings()
    own = create_engine(service.database_url.get_secret_value(), connections=5, name="test-uploads")
    settings = GatewaySettings()
    app = create_app(build(settings, service, StorageSettings(), own, Health()))
    app.dependency_overrides[someone] = whoever
    config = uvicorn.Config(app, host="127.0.0.1", port=settings.port, log_level="warning", access_log=False)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
