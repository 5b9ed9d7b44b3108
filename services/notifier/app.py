"""Wiring of the notifier."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import urlsplit

from services.notifier.handler import TellOfEnds, Untold
from services.notifier.mail import Mailer
from services.notifier.post import Post
from services.notifier.sender import Sender
from services.notifier.settings import MailSettings, NotifierSettings
from shared.events.topics import IMPORT_COMPLETED
from shared.runtime.process import run_stage
from shared.runtime.settings import ServiceSettings, WebhookSettings
from shared.runtime.stage import Resources, Stage
from shared.version import version

_GAUGES_SECONDS = 15.0


def main() -> None:
    """Run the notifier until it is told to stop."""
    mine = NotifierSettings()
    mail = MailSettings()
    addresses = WebhookSettings()

    def wire(resources: Resources) -> Stage:
        sender = Sender(resources.engine, _post(mine, addresses), _mailer(mine, mail), mine)
        tell = TellOfEnds(
            resources.engine, mine.public_url, by_mail=mail.host is not None, lives=mine.untold_lives, wake=sender.wake
        )

        async def tell_forgotten() -> None:
            await tell.tell_forgotten(age=timedelta(seconds=mine.untold_seconds))

        return Stage(
            name="notifier",
            topic=IMPORT_COMPLETED,
            group="winnow-notifier",
            handler=tell,
            failures=Untold(),
            tenants_at_once=2,
            relays=(),
            jobs=(
                sender.run,
                _every(mine.untold_seconds, tell_forgotten),
                _every(_GAUGES_SECONDS, sender.publish_gauges),
            ),
        )

    run_stage(ServiceSettings(), "notifier", wire)


def _post(mine: NotifierSettings, addresses: WebhookSettings) -> Post:
    return Post(
        addresses.rules,
        connect_seconds=mine.connect_seconds,
        try_seconds=mine.try_seconds,
        tls=ssl.create_default_context(cafile=mine.ca_file),
        agent=f"Winnow/{version()}",
    )


def _mailer(mine: NotifierSettings, mail: MailSettings) -> Mailer | None:
    if mail.host is None:
        return None
    return Mailer(mail, try_seconds=mine.try_seconds, domain=urlsplit(mine.public_url).hostname or "winnow.invalid")


def _every(seconds: float, take: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    async def job() -> None:
        while True:
            await take()
            await asyncio.sleep(seconds)

    return job
