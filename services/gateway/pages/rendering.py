"""Pages and parts of pages from templates. What a page says of time and numbers, and how it is coloured, is decided here once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from services.gateway.pages import figures
from services.gateway.pages.static import asset
from services.gateway.pages.words import MODES, STATES, STEPS, kind_of
from services.gateway.people import Person, Role

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"

THEME_COOKIE, ZONE_COOKIE = "theme", "zone"
THEMES = ("light", "dark")

_ZONE_NAME = re.compile(r"[A-Za-z0-9+_-]{1,32}(/[A-Za-z0-9+_-]{1,32}){0,2}")

_WIDTH, _SLIMMEST, _GAP = 1000.0, 5.0, 1.5


class Part(NamedTuple):
    """One part of a bar, in thousandths of its width."""

    tone: str
    x: float
    width: float


@dataclass(frozen=True)
class Viewing:
    """How somebody sees pages: in which zone, in light, dark or what their system has, and when."""

    zone: tzinfo
    zone_name: str
    theme: str | None
    now: datetime


def viewing_of(request: Request) -> Viewing:
    """What the browser's cookies say; what they do not, or say wrongly, is the default: UTC, and as the system has it."""
    theme = request.cookies.get(THEME_COOKIE)
    zone, name = zone_of(request.cookies.get(ZONE_COOKIE))
    return Viewing(zone, name, theme if theme in THEMES else None, datetime.now(UTC))


@lru_cache(maxsize=256)
def zone_of(name: str | None) -> tuple[tzinfo, str]:
    """The time zone of this name, and its name; UTC when nobody knows it."""
    if name is not None and _ZONE_NAME.fullmatch(name):
        try:
            return ZoneInfo(name), name
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    return UTC, "UTC"


def page(
    request: Request,
    person: Person | None,
    template: str,
    *,
    status: int = 200,
    response_headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """A whole page for who asks. It is theirs alone: nothing between keeps it."""
    html = _render(template, request, person, context)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store", **(response_headers or {})})


def partial(request: Request, person: Person, template: str, **context: Any) -> str:
    """A part of a page, for its live updates: rendered by the template that the page itself includes."""
    return _render(template, request, person, context)


def swap(element: str, html: str, *, inside: bool = False) -> str:
    """A part as a live message has it: it takes the place of the element of this id, or of what is `inside` of it.

    What is typed and focused there stays.
    """
    how = "innerMorph" if inside else "outerMorph"
    return f'<hx-partial hx-target="#{element}" hx-swap="{how}">{html}</hx-partial>'


def _render(template: str, request: Request, person: Person | None, context: Mapping[str, Any]) -> str:
    viewing = viewing_of(request)
    return (
        environment()
        .get_template(template)
        .render(
            person=person,
            viewing=viewing,
            now=viewing.now,
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            waiting=getattr(request.state, "waiting", 0),
            **context,
        )
    )


@cache
def environment() -> Environment:
    """The templates, with the filters and words that they know. What a template names and nobody gives it is an error."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "number": figures.number,
        "rate": figures.rate,
        "counted": figures.counted,
        "duration": figures.duration,
        "time_left": figures.time_left,
        "size": figures.size,
        "ago": _ago,
        "exact": _exact,
        "until": _until,
        "clock": _clock,
        "exact_day": _exact_day,
        "short_day": _short_day,
        "on": _on,
    }
    templates.globals |= {
        "asset": asset,
        "percent": figures.percent,
        "parts": parts,
        "kind_of": kind_of,
        "STATES": STATES,
        "STEPS": STEPS,
        "MODES": MODES,
        "Role": Role,
    }
    return templates


def parts(total: float, counts: Mapping[str, float]) -> list[Part]:
    """Where the parts of a bar lie: each as wide as its share of `total`, and none that is there too slim to be seen.

    What the slim ones take is taken from the wide ones, so that they always fit.
    """
    present = {tone: count for tone, count in counts.items() if count > 0}
    if total <= 0 or not present:
        return []
    widths = {tone: max(count / total * _WIDTH, _SLIMMEST) for tone, count in present.items()}
    room = min(_WIDTH, max(sum(present.values()) / total * _WIDTH, _SLIMMEST * len(present)))
    over = sum(widths.values()) - room
    wide = {tone: width - _SLIMMEST for tone, width in widths.items() if width > _SLIMMEST}
    if over > 0 and wide:
        shared = sum(wide.values())
        widths |= {tone: widths[tone] - over * spare / shared for tone, spare in wide.items()}
    found, x = [], 0.0
    for tone, width in widths.items():
        found.append(Part(tone, round(x, 1), round(max(width - _GAP, 1), 1)))
        x += width
    last = found[-1]
    found[-1] = last._replace(width=round(x - last.x, 1))
    return found


@pass_context
def _ago(context: Context, moment: datetime) -> str:
    return figures.ago(moment, context["now"], context["viewing"].zone)


@pass_context
def _exact(context: Context, moment: datetime) -> str:
    return figures.exact(moment, context["viewing"].zone)


@pass_context
def _until(context: Context, moment: datetime) -> str:
    return figures.until(moment, context["viewing"].zone)


@pass_context
def _clock(context: Context, moment: datetime) -> str:
    return figures.clock(moment, context["viewing"].zone)


@pass_context
def _exact_day(context: Context, moment: datetime) -> str:
    return figures.exact_day(moment, context["viewing"].zone)


@pass_context
def _short_day(context: Context, moment: datetime) -> str:
    return figures.day(
        moment.astimezone(context["viewing"].zone).date(), context["now"].astimezone(context["viewing"].zone).date()
    )


@pass_context
def _on(context: Context, moment: datetime) -> str:
    return figures.on(moment, context["now"], context["viewing"].zone)
