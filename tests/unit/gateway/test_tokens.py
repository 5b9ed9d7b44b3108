"""Bearer tokens of a provider, and the quirks that real ones have."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.gateway.who.issuer import FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS, Issuer
from services.gateway.who.refusals import NotBelieved, ProviderAway
from services.gateway.who.tokens import Rules, Tokens
from tests.harness.provider import NOW, Provider, edwards, elliptic, rsa, secret_of, unsigned

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(provider: Provider, clock: Clock) -> Tokens:
    issuer = Issuer(provider.address, httpx.AsyncClient(transport=provider.transport), clock=clock)
    return Tokens(issuer, Rules("winnow", ALGORITHMS), clock=lambda: NOW)


async def refusal(tokens: Tokens, token: str) -> str:
    with pytest.raises(NotBelieved) as refused:
        await tokens.claims(token)
    assert token not in str(refused.value)
    return refused.value.reason


async def test_a_token_that_the_provider_signed_for_us_is_believed(tokens: Tokens, provider: Provider) -> None:
    assert (await tokens.claims(provider.token()))["sub"] == "u-1"


@pytest.mark.parametrize(
    ("key", "alg"), [(rsa("ps"), "PS256"), (elliptic(), "ES256"), (edwards(), "EdDSA")], ids=["PS256", "ES256", "EdDSA"]
)
async def test_every_way_of_signing_that_is_allowed_is_understood(
    tokens: Tokens, provider: Provider, key: Any, alg: str
) -> None:
    provider.keys = [rsa("another"), key]
    assert (await tokens.claims(provider.token(key=key, alg=alg)))["sub"] == "u-1"


async def test_the_provider_is_asked_once_for_many_tokens(tokens: Tokens, provider: Provider) -> None:
    for _ in range(5):
        await tokens.claims(provider.token())
    assert provider.asked == ["/.well-known/openid-configuration", "/jwks"]


async def test_a_new_key_of_the_provider_is_learned_when_a_token_names_it(
    tokens: Tokens, provider: Provider, clock: Clock
) -> None:
    await tokens.claims(provider.token())
    provider.keys.insert(0, rsa("two"))
    clock.now += PAUSE_SECONDS
    await tokens.claims(provider.token())
    assert provider.times("/jwks") == 2


async def test_keys_that_nobody_knows_have_the_provider_asked_now_and_then_only(
    tokens: Tokens, provider: Provider, clock: Clock
) -> None:
    await tokens.claims(provider.token())
    clock.now += PAUSE_SECONDS
    for number in range(20):
        assert await refusal(tokens, provider.token(key=rsa(f"stranger-{number % 2}"))) == "unknown_key"
    assert provider.times("/jwks") == 2


async def test_a_key_that_is_withdrawn_is_believed_for_minutes_at_most(
    tokens: Tokens, provider: Provider, clock: Clock
) -> None:
    token = provider.token()
    await tokens.claims(token)
    provider.keys = [rsa("two")]
    clock.now += FRESH_SECONDS
    assert await refusal(tokens, token) == "unknown_key"


async def test_a_provider_that_names_no_keys_may_change_them(tokens: Tokens, provider: Provider, clock: Clock) -> None:
    nameless: dict[str, Any] = {"kid": None}
    provider.keys = [rsa(None), rsa(None)]
    await tokens.claims(provider.token(key=provider.keys[1], header=nameless))
    provider.keys = [rsa(None)]
    clock.now += PAUSE_SECONDS
    assert (await tokens.claims(provider.token(header=nameless)))["sub"] == "u-1"


async def test_a_new_key_under_an_old_name_is_learned(tokens: Tokens, provider: Provider, clock: Clock) -> None:
    await tokens.claims(provider.token())
    provider.keys = [rsa("one")]
    clock.now += PAUSE_SECONDS
    assert (await tokens.claims(provider.token()))["sub"] == "u-1"


@pytest.mark.parametrize("quirk", [{"away": True}, {"status": 500}, {"metadata": {"jwks_uri": None}}], ids=str)
async def test_a_provider_that_does_not_answer_leaves_nobody_refused(
    tokens: Tokens, provider: Provider, quirk: dict[str, Any]
) -> None:
    token = provider.token()
    for name, value in quirk.items():
        setattr(provider, name, value)
    with pytest.raises(ProviderAway):
        await tokens.claims(token)


async def test_a_provider_that_is_away_is_not_asked_for_every_request(tokens: Tokens, provider: Provider) -> None:
    provider.away = True
    for _ in range(5):
        with pytest.raises(ProviderAway):
            await tokens.claims(provider.token())
    assert len(provider.asked) == 1


async def test_keys_are_good_for_a_day_while_the_provider_is_away(
    tokens: Tokens, provider: Provider, clock: Clock
) -> None:
    await tokens.claims(provider.token())
    provider.away = True
    clock.now += STALE_SECONDS - 1
    assert (await tokens.claims(provider.token()))["sub"] == "u-1"
    assert await refusal(tokens, provider.token(key=rsa("one"))) == "signature"
    with pytest.raises(ProviderAway):
        await tokens.claims(provider.token(key=rsa("stranger")))
    clock.now += PAUSE_SECONDS
    with pytest.raises(ProviderAway):
        await tokens.claims(provider.token())


async def test_a_provider_that_hangs_keeps_one_waiting_and_not_all(
    tokens: Tokens, provider: Provider, clock: Clock
) -> None:
    await tokens.claims(provider.token())
    clock.now += FRESH_SECONDS
    asked, may_answer = provider.hang = asyncio.Event(), asyncio.Event()
    waiting = asyncio.create_task(tokens.claims(provider.token()))
    await asked.wait()
    async with asyncio.timeout(5):
        assert (await tokens.claims(provider.token()))["sub"] == "u-1"
    may_answer.set()
    assert (await waiting)["sub"] == "u-1"


async def test_one_that_says_it_is_another_provider_is_none(tokens: Tokens, provider: Provider) -> None:
    provider.metadata = {"issuer": "https://elsewhere.example"}
    with pytest.raises(ProviderAway):
        await tokens.claims(provider.token())


async def test_a_slash_at_the_end_of_the_issuer_is_the_providers_to_say(tokens: Tokens, provider: Provider) -> None:
    provider.metadata = {"issuer": provider.address + "/"}
    assert (await tokens.claims(provider.token(iss=provider.address + "/")))["sub"] == "u-1"
    assert await refusal(tokens, provider.token()) == "claim_iss"


async def test_keys_for_something_else_sign_nothing(tokens: Tokens, provider: Provider) -> None:
    other = rsa("enc")
    provider.published = [
        {**provider.keys[0].as_dict(private=False), "kid": "good", "x5c": ["MII"], "key_ops": ["verify"]},
        {**other.as_dict(private=False), "use": "enc"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {"kty": "RSA", "kid": "broken", "n": "%%%"},
        {"kty": "martian", "kid": "martian"},
    ]
    assert (await tokens.claims(provider.token(header={"kid": "good"})))["sub"] == "u-1"
    assert await refusal(tokens, provider.token(key=other)) == "unknown_key"


async def test_headers_with_certificates_and_words_of_their_own_are_passed_over(
    tokens: Tokens, provider: Provider
) -> None:
    header = {"x5c": ["M" * 3000], "nonce": "abc", "typ": "at+jwt"}
    assert (await tokens.claims(provider.token(header=header)))["sub"] == "u-1"


async def test_what_a_header_says_is_critical_has_to_be_understood(tokens: Tokens, provider: Provider) -> None:
    assert await refusal(tokens, provider.token(header={"crit": ["holds-on-mondays"]})) == "signature"


FORGED: dict[str, tuple[Callable[[Provider], str], str]] = {
    "signed by nobody": (lambda provider: unsigned(provider.claims()), "algorithm"),
    "signed with the public key as a secret": (
        lambda provider: provider.token(key=secret_of(provider.keys[0]), alg="HS256", header={"kid": "one"}),
        "algorithm",
    ),
    "signed by a stranger under a known name": (lambda provider: provider.token(key=rsa("one")), "signature"),
    "signed in a way that is not allowed": (lambda provider: provider.token(alg="RS512"), "algorithm"),
    "changed after it was signed": (lambda provider: _changed(provider.token()), "signature"),
    "of two parts": (lambda provider: provider.token().rpartition(".")[0], "no_token"),
    "no token at all": (lambda _: "sesame", "no_token"),
    "not ASCII": (lambda _: "é.é.é", "no_token"),
    "longer than any": (lambda _: "a" * 20_000, "too_long"),
    "with a name of its key that is none": (lambda provider: provider.token(header={"kid": ["one"]}), "no_token"),
}


def _changed(token: str) -> str:
    head, body, signature = token.split(".")
    return ".".join([head, body[:-4] + ("AAAA" if body[-4:] != "AAAA" else "BBBB"), signature])


@pytest.mark.parametrize("forged", FORGED)
async def test_a_forged_token_is_refused(tokens: Tokens, provider: Provider, forged: str) -> None:
    make, reason = FORGED[forged]
    assert await refusal(tokens, make(provider)) == reason


TIMES_AND_NAMES: dict[str, tuple[dict[str, Any], str | None]] = {
    "expired, but within the clocks' difference": ({"exp": NOW - 59}, None),
    "expired": ({"exp": NOW - 61}, "expired"),
    "never expiring": ({"exp": None}, "missing_claim"),
    "expiring at no time": ({"exp": "tomorrow"}, "claim_exp"),
    "with a fraction of a second": ({"exp": NOW + 0.5}, None),
    "from the near future": ({"iat": NOW + 59, "nbf": NOW + 59}, None),
    "from the future": ({"iat": NOW + 3600}, "claim_iat"),
    "not valid yet": ({"nbf": NOW + 3600}, "claim_nbf"),
    "for several, us among them": ({"aud": ["account", "winnow"]}, None),
    "for somebody else": ({"aud": "account"}, "claim_aud"),
    "for nobody": ({"aud": None}, "missing_claim"),
    "for an empty list": ({"aud": []}, "claim_aud"),
    "for something odd": ({"aud": {"winnow": True}}, "claim_aud"),
    "of another issuer": ({"iss": "https://elsewhere.example"}, "claim_iss"),
    "of no issuer": ({"iss": None}, "missing_claim"),
}


@pytest.mark.parametrize("token", TIMES_AND_NAMES)
async def test_a_token_is_for_us_and_for_now(tokens: Tokens, provider: Provider, token: str) -> None:
    claims, reason = TIMES_AND_NAMES[token]
    if reason is None:
        assert (await tokens.claims(provider.token(**claims)))["sub"] == "u-1"
    else:
        assert await refusal(tokens, provider.token(**claims)) == reason


async def test_a_signed_text_that_is_no_claims_is_refused(tokens: Tokens, provider: Provider) -> None:
    from joserfc import jws

    token = jws.serialize_compact({"alg": "RS256", "kid": "one"}, b"[1, 2]", provider.keys[0], ["RS256"])
    assert await refusal(tokens, token) == "signature"
