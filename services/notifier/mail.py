"""E-mail to a sender: what became of a file, in numbers, with a link to the page that has the rest."""

import html
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from uuid import UUID

import aiosmtplib

from services.notifier.outcomes import Delivered, GivenUp, Missed, Outcome
from services.notifier.settings import MailSettings
from shared.states import ImportStatus

_PLAIN = r"[^\s@<>(),;:\"\\\[\]\x00-\x1f\x7f]+@[^\s@<>(),;:\"\\\[\]\x00-\x1f\x7f]+"
_ADDRESS = re.compile(rf"(?P<alone>{_PLAIN})|(?P<name>[^<>@\x00-\x1f\x7f]*)<(?P<named>{_PLAIN})>")
_LONGEST_NAME, _LONGEST_COLUMN = 80, 40
_REFUSED_FOR_GOOD = (550, 551, 553, 556)


class Mailer:
    """Hands e-mail to a server. One try is one connection."""

    def __init__(self, settings: MailSettings, *, try_seconds: float, domain: str) -> None:
        assert settings.host is not None
        assert settings.sender is not None
        self._settings = settings
        self._host: str = settings.host
        self._sender = _address(settings.sender)
        self._try_seconds = try_seconds
        self._domain = domain
        self._tls = ssl.create_default_context(cafile=settings.ca_file)

    async def send(self, delivery_id: UUID, recipient: str, facts: str) -> Outcome:
        """Send once. A recipient the server does not take for good is given up; all else is missed."""
        try:
            message = written(json.loads(facts), self._sender, recipient, message_id=f"<{delivery_id}@{self._domain}>")
        except ValueError:
            return GivenUp("The address is not one")
        settings = self._settings
        try:
            _, answer = await aiosmtplib.send(
                message,
                hostname=self._host,
                port=settings.port,
                username=settings.username,
                password=settings.password.get_secret_value() if settings.username and settings.password else None,
                use_tls=settings.security == "tls",
                start_tls=settings.security == "starttls",
                tls_context=None if settings.security == "none" else self._tls,
                timeout=self._try_seconds,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            said = refused.recipients[0]
            kind = GivenUp if said.code in _REFUSED_FOR_GOOD else Missed
            return kind(f"The mail server does not take the address ({said.code})", said.code)
        except aiosmtplib.SMTPResponseException as error:
            return Missed(f"The mail server answered {error.code}", error.code)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Missed(f"The mail server cannot be used: {type(error).__name__}")
        return Delivered(answer=_line(answer, _LONGEST_NAME))


def written(facts: Mapping[str, Any], sender: Address, recipient: str, *, message_id: str) -> EmailMessage:
    """The message.

    Names are the sender's own words, of any kind: in a header they are one line, in HTML they are text.

    Raises:
        ValueError: the recipient is no address.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = _address(recipient)
    message["Subject"] = _subject(facts)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id
    # Nobody's absence is answered to it.
    message["Auto-Submitted"] = "auto-generated"
    lines = list(_lines(facts))
    message.set_content("\n".join([*lines, "", f"What to do: {facts['page']}", "", _WHY]))
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
    page = html.escape(facts["page"], quote=True)
    message.add_alternative(
        f'<!doctype html><html lang="en"><body style="font-family:sans-serif">{paragraphs}'
        f'<p><a href="{page}">See what failed, and download it to correct</a></p>'
        f'<p style="color:#666">{html.escape(_WHY)}</p></body></html>',
        subtype="html",
    )
    return message


_WHY = "You get this because you sent the file. It is sent once for each import."


def _subject(facts: Mapping[str, Any]) -> str:
    name = _line(facts["file_name"], _LONGEST_NAME)
    if facts["status"] == ImportStatus.FAILED:
        return f"Import of {name} failed"
    return f"Import of {name}: {_rows(facts['failed'])} failed"


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    name = _line(facts["file_name"], _LONGEST_NAME)
    undone = "Taking back the import of" if facts["mode"] == "undo" else "The import of"
    if facts["status"] == ImportStatus.FAILED:
        yield f"{undone} {name} failed."
    else:
        yield f"{undone} {name} has ended, and some of its rows failed."
    yield ""
    yield (
        f"{_rows(facts['total'])} in the file: {facts['imported']:,} imported, {facts['failed']:,} failed, "
        f"{facts['unprocessed']:,} not processed."
    )
    if (error := facts.get("error")) is not None:
        yield ""
        yield f"{error['title']}. {error['to_do']}"
    if facts["reasons"]:
        yield ""
        yield "Most frequent reasons:"
        for reason in facts["reasons"]:
            column = f" ({_line(reason['column'], _LONGEST_COLUMN)})" if reason["column"] else ""
            yield f"- {reason['title']}{column}: {reason['times']:,}"


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _line(said: str, longest: int) -> str:
    """Anything, as part of a line: no line ends, nothing that cannot be seen or that turns text around, and not too long."""
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in said).split())
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _address(said: str) -> Address:
    """One address, with a name before it or without.

    Raises:
        ValueError: it is none, or more than one.
    """
    found = _ADDRESS.fullmatch(said)
    if found is None:
        raise ValueError("not an address")
    return Address((found["name"] or "").strip(), addr_spec=found["named"] or found["alone"])
