"""Signing in and out. Open to everybody: who is not signed in begins here."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.gateway.asking import Ways
from services.gateway.pages.rendering import page
from services.gateway.pages.shell import local
from services.gateway.resources import Gateway
from services.gateway.who.denials import NOT_MEANT, PROVIDER_AWAY, denied, unregistered
from services.gateway.who.identification import TenantUnknown
from services.gateway.who.refusals import NotBelieved, ProviderAway
from services.gateway.who.same_site import NotMeant, check_meant
from services.gateway.who.sign_in import LASTS, PAGE, RETURN

router = APIRouter(include_in_schema=False)

_TEMPLATE = "sign_in.html"
_HOME = "/"
"""Leads to the page that who comes can do most on."""

Next = Annotated[str, Query(alias="next", max_length=2000)]


@router.get(PAGE)
async def show(request: Request, ways: Ways, afterwards: Next = _HOME, out: bool = False) -> Response:
    """The people of the demo, a button each; of any other provider one button. Who is signed in goes on at once."""
    if await _is_signed_in(request, ways):
        return RedirectResponse(local(afterwards, _HOME), 303)
    return await _page(request, ways, local(afterwards, _HOME), out=out)


@router.get(f"{PAGE}/start")
async def start(
    ways: Ways,
    request: Request,
    afterwards: Next = _HOME,
    hint: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Send the browser to the provider; it keeps what proves that it began."""
    try:
        address, kept = await ways.who.sign_in.begin(local(afterwards, _HOME), hint)
    except ProviderAway:
        denied(request, 503, "provider_away")
        return await _page(request, ways, local(afterwards, _HOME), error=PROVIDER_AWAY, status=503)
    answer = RedirectResponse(address, 303)
    ways.who.begun_cookie.put(answer, kept, LASTS)
    return answer


@router.get(RETURN)
async def come_back(request: Request, ways: Ways) -> Response:
    """Begin a session for whom the provider vouches for; the one before, if any, ends."""
    who = ways.who
    try:
        person, afterwards = await who.sign_in.finish(who.begun_cookie.read(request), request.query_params)
        await who.admitted(person)
    except NotBelieved as refused:
        if refused.reason == "state" and await _is_signed_in(request, ways):
            # A second window of theirs was quicker.
            return RedirectResponse(_HOME, 303)
        denied(request, 403, f"sign_in_{refused.reason}")
        return await _again(request, ways, f"You were not signed in. {refused.message}", 403)
    except TenantUnknown as unknown:
        denied(request, 403, "tenant_unknown", unknown.person)
        return await _again(request, ways, unregistered(unknown.person), 403)
    except ProviderAway:
        denied(request, 503, "provider_away")
        return await _again(request, ways, PROVIDER_AWAY, 503)
    if (before := who.cookie.read(request)) is not None:
        await who.sessions.end(before)
    answer = RedirectResponse(local(afterwards, _HOME), 303)
    who.cookie.put(answer, await who.sessions.begin(person), ways.settings.session_longest)
    who.begun_cookie.take(answer)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, ways: Ways, everywhere: Annotated[bool, Form()] = False) -> Response:
    """End the session of this browser, or every session of its person; what the browser has is of no use any more."""
    who = ways.who
    token = who.cookie.read(request)
    person = None if token is None else await who.sessions.person(token)
    if token is not None and person is not None:
        try:
            await check_meant(request, who.sessions.csrf(token), ways.settings.public_url)
        except NotMeant as unmeant:
            denied(request, 403, unmeant.reason, person)
            return await _page(request, ways, _HOME, error=NOT_MEANT, status=403)
        await who.sessions.end(token)
        if everywhere:
            await who.sessions.end_all_of(person)
    answer = RedirectResponse(f"{PAGE}?out=true", 303)
    who.cookie.take(answer)
    return answer


async def _is_signed_in(request: Request, ways: Gateway) -> bool:
    token = ways.who.cookie.read(request)
    return token is not None and await ways.who.sessions.person(token) is not None


async def _again(request: Request, ways: Gateway, error: str, status: int) -> Response:
    answer = await _page(request, ways, _HOME, error=error, status=status)
    ways.who.begun_cookie.take(answer)
    return answer


async def _page(
    request: Request,
    ways: Gateway,
    afterwards: str,
    *,
    error: str | None = None,
    out: bool = False,
    status: int = 200,
) -> Response:
    return page(
        request,
        None,
        _TEMPLATE,
        status=status,
        afterwards=afterwards,
        people=await ways.who.people(),
        error=error,
        out=out,
        way_out=await ways.who.sign_in.way_out() if out else None,
    )
