"""What a route says it needs: the gateway, and who may ask. `services.gateway.who` finds out who asks."""

from typing import Annotated, cast

from fastapi import Depends, Request

from services.gateway.resources import Gateway


def _gateway(request: Request) -> Gateway:
    return cast("Gateway", request.app.state.gateway)


Ways = Annotated[Gateway, Depends(_gateway)]
"""The gateway of this process."""
