"""Settings of the notifier that contradict themselves are refused by name."""

import pytest

from services.notifier.settings import MailSettings, NotifierSettings
from shared.runtime.settings import SettingsInvalid, WebhookSettings

KEY = "k" * 64


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("WINNOW_NOTIFIER_PUBLIC_URL", "https://winnow.example.com")
    monkeypatch.setenv("WINNOW_NOTIFIER_SIGNING_KEY", KEY)
    return monkeypatch


def test_tries_go_on_for_a_day_and_times_are_said_as_json(environment: pytest.MonkeyPatch) -> None:
    assert sum(NotifierSettings().retry_after_seconds) > 24 * 3600
    environment.setenv("WINNOW_NOTIFIER_RETRY_AFTER_SECONDS", "[0.1, 2]")
    assert NotifierSettings().retry_after_seconds == (0.1, 2)


def test_a_lease_outlasts_a_try(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WINNOW_NOTIFIER_LEASE_SECONDS", "15")
    with pytest.raises(SettingsInvalid, match="WINNOW_NOTIFIER_LEASE_SECONDS"):
        NotifierSettings()


def test_a_signing_key_is_long_and_not_told(environment: pytest.MonkeyPatch) -> None:
    assert KEY not in repr(NotifierSettings())
    environment.setenv("WINNOW_NOTIFIER_SIGNING_KEY", "short")
    with pytest.raises(SettingsInvalid, match="WINNOW_NOTIFIER_SIGNING_KEY") as refused:
        NotifierSettings()
    assert "short" not in str(refused.value).replace("should have", "")


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({"HOST": "mail"}, "SENDER"),
        ({"HOST": "mail", "SENDER": "a@b.example", "USERNAME": "u"}, "PASSWORD"),
        ({"HOST": "mail", "SENDER": "a@b.example", "USERNAME": "u", "PASSWORD": "p", "SECURITY": "none"}, "TLS"),
    ],
)
def test_half_a_mail_server_is_refused(environment: pytest.MonkeyPatch, said: dict[str, str], missing: str) -> None:
    for name, value in said.items():
        environment.setenv(f"WINNOW_NOTIFIER_SMTP_{name}", value)
    with pytest.raises(SettingsInvalid, match=missing):
        MailSettings()


def test_addresses_that_are_allowed_are_said_as_json(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WINNOW_WEBHOOK_ALLOWED_NETWORKS", '["10.20.0.0/16", "::1/128"]')
    environment.setenv("WINNOW_WEBHOOK_ALLOWED_HOSTS", '["Hooks.Internal."]')
    environment.setenv("WINNOW_WEBHOOK_PORTS", "[]")
    rules = WebhookSettings().rules
    assert rules.target("https://10.20.1.1:9/").port == 9
    assert tuple(rules.allowed_hosts) == ("hooks.internal",)
