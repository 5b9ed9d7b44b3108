"""Whether service processes do their work, as they say it themselves at /readyz."""

import http.client
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

SILENT = "it does not answer"
"""What is said of a service whose /readyz gives no answer at all."""
STOPPED = "stopped: "
"""How the answer of a service begins that has stopped itself: a restart begins with a new budget of dead letters."""


def problems_at(ports: Mapping[str, int]) -> Mapping[str, str]:
    """The services that do no work now, each with what it says of itself; by name, as they were given."""
    if not ports:
        return {}
    with ThreadPoolExecutor(max_workers=len(ports)) as pool:
        answers = dict(zip(ports, pool.map(problem_at, ports.values()), strict=True))
    return {name: why for name, why in answers.items() if why is not None}


def problem_at(port: int, *, patience: float = 3) -> str | None:
    """Why the service at this port is not ready, in its own words; None when it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return SILENT
    finally:
        connection.close()
    return None if answer.status == http.HTTPStatus.OK else said
