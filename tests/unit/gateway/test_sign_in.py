"""Signing in with a provider, and what may be wrong with its answers."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core.util import create_half_hash

from services.gateway.people import Role
from services.gateway.settings import GatewaySettings
from services.gateway.who.claims import ClaimNames
from services.gateway.who.issuer import Issuer
from services.gateway.who.refusals import NotBelieved, ProviderAway
from services.gateway.who.sign_in import SignIn
from services.gateway.who.tokens import Rules, Tokens
from tests.harness.provider import ADDRESS, NOW, Provider, rsa

HERE = "https://winnow.example"


def settings(**told: Any) -> GatewaySettings:
    return GatewaySettings(
        **{
            "public_url": HERE,
            "secret": "s" * 32,
            "reader_database_url": "postgresql+asyncpg://nobody@localhost/none",
            "intake_database_url": "postgresql+asyncpg://nobody@localhost/none",
            "operator_database_url": "postgresql+asyncpg://nobody@localhost/none",
            "oidc_issuer": ADDRESS,
            **told,
        }
    )


def sign_in_with(
    provider: Provider, *, names: ClaimNames | None = None, audience: str = "winnow", **told: Any
) -> SignIn:
    http = httpx.AsyncClient(transport=provider.transport)
    issuer = Issuer(provider.address, http)
    tokens = Tokens(issuer, Rules(audience, ("RS256",)), clock=lambda: NOW)
    return SignIn(settings(**told), issuer, tokens, names or ClaimNames(), http)


@dataclass
class Visit:
    """A browser on its way over the provider."""

    provider: Provider
    signing_in: SignIn
    asked: Mapping[str, str]
    kept: str

    @classmethod
    async def begun(cls, provider: Provider, afterwards: str = "/history", **told: Any) -> "Visit":
        signing_in = sign_in_with(provider, **told)
        address, kept = await signing_in.begin(afterwards, None)
        return cls(provider, signing_in, dict(parse_qsl(urlsplit(address).query)), kept)

    def vouch(self, *, access: str | None = "opaque", **claims: Any) -> None:
        """What the provider will say for the code."""
        said = {"nonce": self.asked["nonce"], **claims}
        self.provider.answer = {"id_token": self.provider.token(**said), "access_token": access, "token_type": "Bearer"}

    async def back(self, **said: str) -> tuple[Any, str]:
        return await self.signing_in.finish(self.kept, {"state": self.asked["state"], "code": "c-1", **said})

    async def refusal(self, **said: str) -> str:
        with pytest.raises(NotBelieved) as refused:
            await self.back(**said)
        return refused.value.reason


@pytest.fixture
def provider() -> Provider:
    return Provider()


async def test_somebody_is_signed_in_by_a_code_that_only_their_browser_can_use(provider: Provider) -> None:
    visit = await Visit.begun(provider)
    visit.vouch()
    person, afterwards = await visit.back()
    assert (person.tenant, person.name, person.roles, person.via) == (
        "nordlys",
        "Mara Lindqvist",
        {Role.IMPORTER},
        "session",
    )
    assert afterwards == "/history"
    assert {**visit.asked} | {"scope": "openid profile email", "redirect_uri": f"{HERE}/sign-in/return"} == visit.asked
    (exchange,) = provider.exchanges
    sent = {name: values[0] for name, values in parse_qs(exchange.content.decode()).items()}
    assert create_s256_code_challenge(sent["code_verifier"]) == visit.asked["code_challenge"]
    assert (sent["code"], sent["client_id"], sent["redirect_uri"]) == ("c-1", "winnow", f"{HERE}/sign-in/return")
    assert "authorization" not in exchange.headers


async def test_what_the_browser_keeps_says_nothing_that_could_be_made_up(provider: Provider) -> None:
    visit = await Visit.begun(provider)
    visit.vouch()
    other = await Visit.begun(provider)
    for kept in (None, "", "made-up", visit.kept[:-2] + "xx", other.kept):
        with pytest.raises(NotBelieved) as refused:
            await visit.signing_in.finish(kept, {"state": visit.asked["state"], "code": "c-1"})
        assert refused.value.reason == "state"
    assert provider.exchanges == []


@pytest.mark.parametrize("state", ["", "another", "é"])
async def test_an_answer_to_somebody_elses_sign_in_is_refused(provider: Provider, state: str) -> None:
    visit = await Visit.begun(provider)
    assert await visit.refusal(state=state) == "state"


async def test_a_sign_in_that_took_too_long_begins_anew(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    import itsdangerous

    visit = await Visit.begun(provider)
    visit.vouch()
    now = itsdangerous.TimestampSigner.get_timestamp
    monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda self: now(self) + 601)
    assert await visit.refusal() == "state"


async def test_a_provider_that_lets_nobody_in_is_told_as_that(provider: Provider) -> None:
    visit = await Visit.begun(provider)
    with pytest.raises(NotBelieved) as refused:
        await visit.signing_in.finish(visit.kept, {"state": visit.asked["state"], "error": "access_denied"})
    assert refused.value.reason == "refused"


@pytest.mark.parametrize(
    ("supported", "named", "reason"),
    [
        (True, ADDRESS, None),
        (False, None, None),
        (True, None, "response_issuer"),
        (False, "https://x.example", "response_issuer"),
    ],
)
async def test_an_answer_names_its_provider_where_it_can(
    provider: Provider, supported: bool, named: str | None, reason: str | None
) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": supported}
    visit = await Visit.begun(provider)
    visit.vouch()
    said = {} if named is None else {"iss": named}
    if reason is None:
        assert (await visit.back(**said))[0].user == "u-1"
    else:
        assert await visit.refusal(**said) == reason


def _hash_of_another(_: Visit) -> dict[str, Any]:
    return {"at_hash": create_half_hash("another", "RS256").decode()}


WRONG: dict[str, tuple[Callable[[Visit], dict[str, Any]], str]] = {
    "of another sign-in": (lambda _: {"nonce": "another"}, "id_token"),
    "of no sign-in": (lambda _: {"nonce": None}, "id_token"),
    "with another access token": (_hash_of_another, "id_token"),
    "given to another client": (lambda _: {"azp": "other"}, "id_token"),
    "for several, given to nobody": (lambda _: {"aud": ["winnow", "other"]}, "id_token"),
    "for another client": (lambda _: {"aud": "other"}, "claim_aud"),
    "expired": (lambda _: {"exp": NOW - 3600}, "expired"),
    "signed by a stranger": (lambda _: {"key": rsa("one")}, "signature"),
    "of no tenant that can be": (lambda _: {"tenant": ["a", "b"]}, "odd_tenant"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_an_id_token_is_of_this_sign_in_and_of_this_client(provider: Provider, wrong: str) -> None:
    visit = await Visit.begun(provider)
    claims, reason = WRONG[wrong]
    visit.vouch(**claims(visit))
    assert await visit.refusal() == reason


async def test_an_id_token_for_several_names_whom_it_was_given_to(provider: Provider) -> None:
    visit = await Visit.begun(provider)
    visit.vouch(aud=["winnow", "other"], azp="winnow", at_hash=create_half_hash("opaque", "RS256").decode())
    assert (await visit.back())[0].user == "u-1"


async def test_roles_that_only_the_access_token_has_are_found_there(provider: Provider) -> None:
    visit = await Visit.begun(provider, names=ClaimNames(roles="realm_access.roles"), audience="api")
    access = provider.token(aud="api", roles=None, realm_access={"roles": ["admin"]}, tenant="other")
    visit.vouch(access=access, roles=None)
    person, _ = await visit.back()
    assert (person.roles, person.tenant) == ({Role.ADMIN}, "nordlys")


@pytest.mark.parametrize(
    "access",
    [{"sub": "somebody-else"}, {"aud": "graph"}, {"exp": NOW - 3600}, {"key": rsa("stranger")}],
    ids=["another person", "another audience", "expired", "signed by another"],
)
async def test_an_access_token_that_is_not_for_us_says_nothing(provider: Provider, access: dict[str, Any]) -> None:
    visit = await Visit.begun(provider)
    visit.vouch(access=provider.token(**{"roles": ["admin"], **access}), roles=None)
    assert (await visit.back())[0].roles == set()


@pytest.mark.parametrize("quirk", [{"away": True}, {"status": 502}], ids=str)
async def test_a_provider_that_breaks_off_refuses_nobody(provider: Provider, quirk: dict[str, Any]) -> None:
    visit = await Visit.begun(provider)
    for name, value in quirk.items():
        setattr(provider, name, value)
    with pytest.raises(ProviderAway):
        await visit.back()


@pytest.mark.parametrize(
    ("status", "answer"),
    [(400, {"error": "invalid_grant"}), (200, {}), (200, {"id_token": 7}), (200, {"id_token": "x"})],
    ids=str,
)
async def test_a_code_that_gives_no_token_signs_nobody_in(
    provider: Provider, status: int, answer: dict[str, Any]
) -> None:
    visit = await Visit.begun(provider)
    provider.status, provider.answer = status, answer
    assert await visit.refusal() in {"code", "no_token"}


async def test_the_clients_secret_goes_where_the_provider_takes_it(provider: Provider) -> None:
    visit = await Visit.begun(provider, oidc_client_secret="a secret:ü")
    visit.vouch()
    await visit.back()
    sent = base64.b64decode(provider.exchanges[0].headers["authorization"].removeprefix("Basic ")).decode()
    assert sent == "winnow:a%20secret%3A%C3%BC"
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    visit = await Visit.begun(provider, oidc_client_secret="a secret")
    visit.vouch()
    await visit.back()
    assert parse_qs(provider.exchanges[1].content.decode())["client_secret"] == ["a secret"]


async def test_an_authorization_endpoint_may_have_a_query_of_its_own(provider: Provider) -> None:
    provider.metadata = {"authorization_endpoint": f"{ADDRESS}/authorize?policy=b2c"}
    address, _ = await sign_in_with(provider).begin("/import", "mara")
    query = dict(parse_qsl(urlsplit(address).query))
    assert (query["policy"], query["login_hint"], query["client_id"]) == ("b2c", "mara", "winnow")


async def test_who_signs_out_here_is_shown_the_way_out_of_the_provider(provider: Provider) -> None:
    assert await sign_in_with(provider).way_out() is None
    provider.metadata = {"end_session_endpoint": f"{ADDRESS}/logout"}
    way_out = urlsplit(str(await sign_in_with(provider).way_out()))
    assert (way_out.path, dict(parse_qsl(way_out.query))) == (
        "/logout",
        {"client_id": "winnow", "post_logout_redirect_uri": f"{HERE}/sign-in"},
    )
    provider.away = True
    assert await sign_in_with(provider).way_out() is None
