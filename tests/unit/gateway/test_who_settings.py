"""Who is believed is a setting, and some settings would believe anybody."""

from typing import Any

import pytest

from services.gateway.people import Role
from services.gateway.settings import GatewaySettings
from shared.runtime.settings import SettingsInvalid

GOOD: dict[str, Any] = {
    "public_url": "https://winnow.example",
    "secret": "s" * 32,
    "reader_database_url": "postgresql+asyncpg://nobody@localhost/none",
    "intake_database_url": "postgresql+asyncpg://nobody@localhost/none",
    "operator_database_url": "postgresql+asyncpg://nobody@localhost/none",
    "oidc_issuer": "https://login.example/realms/winnow",
}


def refusal(**told: Any) -> str:
    with pytest.raises(SettingsInvalid) as refused:
        GatewaySettings(**{**GOOD, **told})
    return str(refused.value)


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS256 HS512", "dir"])
def test_tokens_are_signed_with_a_key_pair(algorithm: str) -> None:
    assert "a key pair only" in refusal(oidc_algorithms=algorithm)


@pytest.mark.parametrize("issuer", ["http://login.example", "http://10.0.0.7:8080/realms/a"])
def test_a_provider_is_reached_over_tls_or_on_this_machine(issuer: str) -> None:
    assert "not reached over TLS" in refusal(oidc_issuer=issuer)
    assert GatewaySettings(**{**GOOD, "oidc_issuer": issuer, "oidc_plain_http": True}).oidc_issuer == issuer


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"])
def test_a_provider_of_this_machine_needs_no_tls(issuer: str) -> None:
    assert GatewaySettings(**{**GOOD, "oidc_issuer": issuer}).oidc_issuer == issuer


@pytest.mark.parametrize("issuer", ["login.example", "ftp://login.example", "https://"])
def test_a_provider_has_an_address(issuer: str) -> None:
    assert "has to be an address" in refusal(oidc_issuer=issuer)


def test_a_short_secret_is_none() -> None:
    said = refusal(secret="s" * 31)
    assert "at least 32 characters" in said
    assert "sss" not in said


def test_roles_of_the_provider_are_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_GATEWAY_OIDC_ROLE_NAMES", '{"winnow-staff": "importer"}')
    assert GatewaySettings(**GOOD).oidc_role_names == {"winnow-staff": Role.IMPORTER}
    assert "WINNOW_GATEWAY_OIDC_ROLE_NAMES" in refusal(oidc_role_names={"winnow-staff": "owner"})
