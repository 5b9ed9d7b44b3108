"""Bringing the local stack up, step by step, from whatever state it is in."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping

from rich.console import Console

from deploy.local.people import DEMO_TENANTS
from deploy.local.stack import SERVICES, STOPPED, Adjustment, Stack
from services.cli.local.readiness import reason_of
from shared.db.engine import create_engine
from shared.db.migrate import migrate
from shared.db.transaction import tenant_transaction
from shared.ledger.tenants import register_tenant
from shared.messaging.kafka import apply_topics
from shared.runtime.settings import KafkaSettings

# Writing to production is most of the work: more than one connection is used at once.
DEFAULT_REPLICAS = {**dict.fromkeys(SERVICES, 1), "committer": 2}
# What rows do not go through.
_ONE_IS_ENOUGH = dict.fromkeys(("keeper", "gateway", "notifier"), 1)

_SERVERS = "Kafka, PostgreSQL, an S3 server and the local issuer"
_PATIENCE = 30.0
"""Seconds for services that run already to become ready."""
_START_PATIENCE = 60.0
"""Seconds for one that is started."""


def bring_up(stack: Stack, console: Console, *, workers: int | None = None) -> None:
    """Start what is not running, and again what has stopped itself; says what, and how long each step took.

    Raises:
        StartFailed: a server or service did not start or is not ready; says why, with the end of its log.
    """
    if stack.running and all(server.answers() for server in stack.servers):
        console.print(f"  {_SERVERS} run already")
    else:
        with _step(console, f"starting {_SERVERS}"):
            stack.up()
    for moved in stack.moved:
        console.print(
            f"  {moved.server}: port {moved.old} is somebody else's by now, so it has {moved.new}. "
            "Senders that keep the old address have to be told.",
            style="yellow",
            markup=False,
        )
    with _step(console, "bringing tables, roles and topics up to date"):
        asyncio.run(_prepare(stack))
    wanted = DEFAULT_REPLICAS if workers is None else {**dict.fromkeys(SERVICES, workers), **_ONE_IS_ENOUGH}
    if stack.services_running:
        _look_after_services(stack, console, None if workers is None else wanted)
        return
    with _step(console, f"starting {_listed(wanted.items())}"):
        stack.start_services(wanted)


def _look_after_services(stack: Stack, console: Console, wanted: Mapping[str, int] | None) -> None:
    """Services that run: as many as wanted, none with older code, none that has stopped itself; ready in the end."""
    waiting = stack.not_ready()
    there = Counter(name.rpartition("-")[0] for name in stack.state.services)
    console.print(f"  {_listed(there.items())} run already")
    for name, why in waiting.items():
        said = f"had stopped itself: {reason_of(why)}" if why.startswith(STOPPED) else f"is not ready: {why}"
        console.print(f"  {name} {said}", style="yellow", markup=False)
    stopped = [name for name, why in waiting.items() if why.startswith(STOPPED)]
    adjustment = stack.adjust_services(wanted)
    if waiting or adjustment:
        with _step(console, "; ".join(_described(adjustment, stopped)) or f"waiting for {', '.join(waiting)}"):
            stack.restart_services(stopped)
            stack.wait_settled(patience=_START_PATIENCE if adjustment else _PATIENCE)


def _described(adjustment: Adjustment, stopped: Iterable[str]) -> Iterable[str]:
    """What is done to running services, a part of a sentence each."""
    for doing, names, after in (
        ("starting", adjustment.added, ""),
        ("ending", adjustment.removed, ""),
        ("starting", adjustment.renewed, " again with newer code, one stage after the other"),
        ("starting", [name for name in stopped if name not in adjustment.renewed], " again"),
    ):
        if names:
            yield f"{doing} {', '.join(names)}{after}"


async def _prepare(stack: Stack) -> None:
    await asyncio.gather(
        migrate(stack.endpoints.postgres_admin_url, stack.state.secret),
        apply_topics(KafkaSettings(kafka_bootstrap=stack.endpoints.kafka_bootstrap).kafka),
    )
    await _register(stack, DEMO_TENANTS)


async def _register(stack: Stack, tenants: Iterable[str]) -> None:
    """The tenants of whom one can sign in as at the local issuer: they can be used at once."""
    engine = create_engine(stack.database_url("winnow_intake"), connections=1, name="winnow-cli")
    try:
        for tenant in tenants:
            async with tenant_transaction(engine, tenant) as conn:
                await register_tenant(conn, tenant)
    finally:
        await engine.dispose()


def _listed(replicas: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{service} × {number}" if number > 1 else service for service, number in replicas)


class _step:  # noqa: N801 - reads as a statement
    """One step of a start, said when it begins and timed when it ends."""

    def __init__(self, console: Console, what: str) -> None:
        self._console = console
        self._what = what
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()
        self._console.print(f"  {self._what} …", end="", markup=False)

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            self._console.print(f" [green]{time.monotonic() - self._began:.1f} s[/]")
        else:
            self._console.print(" [yellow]interrupted[/]" if kind is KeyboardInterrupt else " [red]failed[/]")
