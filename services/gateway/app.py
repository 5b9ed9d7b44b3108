"""Wiring of the gateway."""

import logging

import uvicorn
from fastapi import FastAPI

from services.gateway import problems
from services.gateway.api.document import openapi_of
from services.gateway.pages import errors
from services.gateway.patience import Patience
from services.gateway.resources import Gateway, build
from services.gateway.routes import API_ROUTERS, PAGE_ROUTERS
from services.gateway.settings import GatewaySettings
from services.gateway.who.bodies import BodyLimit
from services.gateway.who.denials import SignInFirst, to_sign_in
from services.gateway.who.headers import SecurityHeaders
from shared.runtime.process import run_stage
from shared.runtime.settings import ServiceSettings, StorageSettings
from shared.runtime.stage import Resources, Stage
from shared.version import version


def create_app(gateway: Gateway) -> FastAPI:
    """The application: the API and the pages. Nothing is connected until it is asked."""
    app = FastAPI(title="Winnow", version=version(), openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None)
    app.state.gateway = gateway
    app.add_exception_handler(SignInFirst, to_sign_in)
    # Innermost: what it raises is answered like what is raised below.
    app.add_middleware(Patience)
    problems.install(app, draw=errors.draw)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, over_tls=gateway.over_tls)
    for router in (*API_ROUTERS, *PAGE_ROUTERS):
        app.include_router(router)
    app.openapi = lambda: openapi_of(app)  # type: ignore[method-assign] # the framework's own way to say another document
    return app


def main() -> None:
    """Run the gateway until it is told to stop."""
    settings = ServiceSettings()
    storage = StorageSettings()

    def wire(resources: Resources) -> Stage:
        mine = GatewaySettings()
        gateway = build(mine, settings, storage, resources.engine, resources.health)
        return Stage(name="gateway", relays=(), jobs=(lambda: _serve(gateway), gateway.live.run))

    run_stage(settings, "gateway", wire)


async def _serve(gateway: Gateway) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(gateway),
            host=gateway.settings.host,
            port=gateway.settings.port,
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
    await server.serve()
