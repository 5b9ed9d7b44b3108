"""What a process answers over HTTP: /livez, /readyz and /metrics."""

from faststream.asgi import AsgiResponse
from faststream.asgi.types import ASGIApp, Receive, Scope, Send
from prometheus_client import make_asgi_app

from shared.observability.health import Health


def health_app(health: Health) -> ASGIApp:
    """The application; a problem is its answer's body, with status 503."""
    metrics = make_asgi_app()
    problems = {"/livez": lambda: health.not_alive, "/readyz": lambda: health.not_ready}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        if path == "/metrics":
            await metrics(scope, receive, send)
        elif (problem := problems.get(path)) is None:
            await AsgiResponse(b"there is /livez, /readyz and /metrics", status_code=404)(scope, receive, send)
        else:
            said = problem()
            await AsgiResponse((said or "ok").encode(), status_code=503 if said else 200)(scope, receive, send)

    return app
