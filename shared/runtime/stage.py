"""What one process kind does, as its wiring describes it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events import Topic
from shared.messaging.delivery import FailureLedger, Handler, Refuse, refuse_nothing
from shared.observability.health import Health
from shared.runtime.probes import Probe

Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Stage:
    """What one process kind does: the topic it consumes with its handler, and the topics it relays.

    Topics are relayed as soon as there is something to relay or, not `relay_at_once`, every few seconds.

    `accept` takes an event over into the ledger, where its effect would be long in coming: after it the event is
    acknowledged, and handled in the background, `slots` at a time.
    Of the events themselves, so many tenants' are acted on side by side as `tenants_at_once` says, one of each.
    `jobs` run beside it for as long as the process lives. A stage without a topic only runs its jobs and relays.
    `group` reads the topic where it is not the one whose stage acts on it; failures of such a stage are counted by a
    `failures` of its own, for the outbox counts those of the other.
    `probes` ask the servers only this stage needs whether they are there, by the server's name.
    """

    name: str
    relays: Sequence[Topic]
    relay_at_once: bool = True
    topic: Topic | None = None
    handler: Handler | None = None
    accept: Handler | None = None
    slots: int = 1
    tenants_at_once: int = 1
    refuse: Refuse = refuse_nothing
    group: str | None = None
    failures: FailureLedger | None = None
    jobs: Sequence[Job] = ()
    probes: Mapping[str, Probe] = field(default_factory=dict)


@dataclass(frozen=True)
class Resources:
    """What a stage's wiring is given to build its handler with."""

    engine: AsyncEngine
    health: Health
