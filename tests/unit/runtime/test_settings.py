"""Settings: every one is described and on its page, and what is wrong with the environment is said by name."""

import re
from pathlib import Path

import pytest

from deploy.settings_page import own_fields, settings_classes, variable
from shared.runtime.settings import KafkaSettings, MigrationSettings, ServiceSettings, SettingsInvalid, StorageSettings

ROOT = Path(__file__).parents[3]
# The local stack hands these to the supervisor and to tests; nobody sets them.
URLS = {
    "WINNOW_KAFKA_BOOTSTRAP": "one:9092, two:9092",
    "WINNOW_DATABASE_URL": "postgresql+asyncpg://winnow_parser:p@db/winnow",
    "WINNOW_RELAY_DATABASE_URL": "postgresql+asyncpg://winnow_relay:p@db/winnow",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One that says nothing of Winnow."""
    import os

    for name in [name for name in os.environ if name.startswith("WINNOW_")]:
        monkeypatch.delenv(name)
    return monkeypatch


def test_every_setting_says_what_it_does() -> None:
    silent = [
        variable(kind, name)
        for kind in settings_classes()
        for name, field in own_fields(kind).items()
        if not field.description
    ]
    assert silent == []


def test_every_variable_that_is_named_anywhere_is_on_the_page() -> None:
    page = set(re.findall(r"`(WINNOW_[A-Z0-9_]+)`", (ROOT / "docs" / "settings.md").read_text()))
    papers = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    sources = [path for top in ("services", "shared", "deploy") for path in (ROOT / top).rglob("*.py")]
    named = {
        (path.name, name)
        for path in (*papers, *sources)
        for name in re.findall(r"\bWINNOW_[A-Z0-9]+(?:_[A-Z0-9]+)*\b(?!_)", path.read_text())
    }
    assert {found for found in named if found[1] not in page} == set()


def test_all_that_is_missing_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WINNOW_DATABASE_URL", "postgresql+asyncpg://r:hush@db/winnow")
    with pytest.raises(SettingsInvalid) as missing:
        ServiceSettings()
    assert re.findall(r"^(\S+) is missing", str(missing.value), re.MULTILINE) == [
        "WINNOW_KAFKA_BOOTSTRAP",
        "WINNOW_RELAY_DATABASE_URL",
    ]


def test_what_is_wrong_is_named_without_its_value(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WINNOW_POSTGRES_ADMIN_URL", "postgresql://a:b@db")
    environment.setenv("WINNOW_ROLE_PASSWORDS", '{"winnow_parser": ["hush"]}')
    with pytest.raises(SettingsInvalid) as wrong:
        MigrationSettings()
    assert "WINNOW_ROLE_PASSWORDS" in str(wrong.value)
    assert "hush" not in str(wrong.value)


def test_a_file_that_is_not_there_is_named_by_its_variable(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WINNOW_KAFKA_BOOTSTRAP", "broker:9093")
    environment.setenv("WINNOW_KAFKA_TLS", "true")
    environment.setenv("WINNOW_KAFKA_CA_FILE", "/nowhere/ca.pem")
    with pytest.raises(SettingsInvalid, match="WINNOW_KAFKA_CA_FILE"):
        KafkaSettings()


def test_a_variable_that_is_empty_says_nothing(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WINNOW_KAFKA_BOOTSTRAP", "broker:9092")
    environment.setenv("WINNOW_KAFKA_CA_FILE", "")
    assert KafkaSettings().kafka_ca_file is None
    environment.setenv("WINNOW_KAFKA_BOOTSTRAP", "")
    with pytest.raises(SettingsInvalid, match="WINNOW_KAFKA_BOOTSTRAP is missing"):
        KafkaSettings()


def test_a_login_without_a_password_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WINNOW_KAFKA_BOOTSTRAP", "broker:9093")
    environment.setenv("WINNOW_KAFKA_SASL_MECHANISM", "PLAIN")
    with pytest.raises(SettingsInvalid, match="WINNOW_KAFKA_PASSWORD"):
        KafkaSettings()


def test_behind_a_pooler_the_relay_listens_only_where_there_is_a_way_past_it(environment: pytest.MonkeyPatch) -> None:
    for name, value in URLS.items():
        environment.setenv(name, value)
    assert ServiceSettings().relay_limits.listen
    environment.setenv("WINNOW_DATABASE_POOLER", "transaction")
    assert not ServiceSettings().relay_limits.listen
    environment.setenv("WINNOW_RELAY_DIRECT_DATABASE_URL", "postgresql+asyncpg://winnow_relay:p@db/winnow")
    assert ServiceSettings().relay_limits.listen


def test_secrets_are_not_printed(environment: pytest.MonkeyPatch) -> None:
    for name, value in URLS.items():
        environment.setenv(name, value)
    environment.setenv("WINNOW_KAFKA_SASL_MECHANISM", "PLAIN")
    environment.setenv("WINNOW_KAFKA_USERNAME", "winnow")
    environment.setenv("WINNOW_KAFKA_PASSWORD", "hush")
    for name in ("ENDPOINT", "ACCESS_KEY", "SECRET_KEY", "SESSION_TOKEN"):
        environment.setenv(f"WINNOW_S3_{name}", "hush")
    settings, storage = ServiceSettings(), StorageSettings()
    assert settings.kafka.servers == ["one:9092", "two:9092"]
    assert settings.kafka.password == "hush"
    for printed in (repr(settings), repr(settings.kafka), repr(storage.secret_key)):
        assert "hush" not in printed
    assert repr(storage.connection).count("hush") == 1, "the endpoint alone"
