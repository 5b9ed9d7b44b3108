"""How the command reaches a Winnow: option, environment, profile, local stack, and what is said when one is missing."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from services.cli import exits, profiles
from services.cli.__main__ import run
from services.cli.exits import CommandFailed
from services.cli.settings import ServerSettings, read, target
from shared.db.roles import role_password

FILE = """
[profiles.production]
kafka_bootstrap = "kafka.example.net:9092"
database_url = "postgresql://someone:else@db.example.net/imports?ssl=require"
secret = "the secret of production"
s3_endpoint = "https://s3.example.net"
s3_access_key = "AK"
s3_secret_key = "SK"

[profiles.staging]
kafka_bootstrap = "kafka.staging.example.net:9092"
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file, no other settings, and no local stack."""
    import os

    for name in [name for name in os.environ if name.startswith("WINNOW_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    monkeypatch.setenv("WINNOW_CONFIG", str(path))
    monkeypatch.setenv("WINNOW_HOME", str(tmp_path / "nothing-runs-here"))
    profiles.choose(None)
    return path


def test_a_profile_says_what_the_environment_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles.choose("production")
    assert target().settings.kafka_bootstrap == "kafka.example.net:9092"
    monkeypatch.setenv("WINNOW_KAFKA_BOOTSTRAP", "kafka.elsewhere:9092")
    assert target().settings.kafka_bootstrap == "kafka.elsewhere:9092"
    assert target().settings.s3_endpoint == "https://s3.example.net"


def test_the_option_comes_before_the_environments_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_PROFILE", "staging")
    assert target().settings.kafka_bootstrap == "kafka.staging.example.net:9092"
    profiles.choose("production")
    assert target().settings.kafka_bootstrap == "kafka.example.net:9092"


def test_a_profile_named_default_is_used_when_none_is_named(config: Path) -> None:
    config.write_text('[profiles.default]\nkafka_bootstrap = "kafka.example.org:9092"\n')
    assert target().settings.kafka_bootstrap == "kafka.example.org:9092"


def test_the_address_of_a_role_is_made_of_the_server_and_the_secret() -> None:
    profiles.choose("production")
    url = make_url(target().settings.database("operator"))
    assert (url.drivername, url.host, url.database) == ("postgresql+asyncpg", "db.example.net", "imports")
    assert url.username == "winnow_operator"
    assert url.password == role_password("the secret of production", "winnow_operator")
    assert url.query == {"ssl": "require"}


def test_the_administrators_server_is_the_database_where_nothing_else_is_said() -> None:
    known = {"postgres_admin_url": "postgresql://postgres:pw@db:5433/postgres", "secret": "s"}
    url = make_url(ServerSettings(**known).database("operator"))  # type: ignore[arg-type]
    assert (url.host, url.port, url.database, url.username) == ("db", 5433, "winnow", "winnow_operator")


def test_an_address_of_a_role_of_its_own_needs_no_secret() -> None:
    settings = ServerSettings(intake_database_url="postgresql://i:pw@db/winnow")
    assert settings.database("intake") == "postgresql+asyncpg://i:pw@db/winnow"
    with pytest.raises(CommandFailed, match=r"WINNOW_OPERATOR_DATABASE_URL \(or WINNOW_DATABASE_URL and WINNOW_SECRET"):
        settings.database("operator")


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [
        (["status"], "WINNOW_URL"),
        (["tenants", "list"], "WINNOW_OPERATOR_DATABASE_URL"),
        (["migrate"], "WINNOW_POSTGRES_ADMIN_URL"),
        (["tenants", "add", "acme"], "WINNOW_INTAKE_DATABASE_URL"),
    ],
)
def test_a_variable_that_is_missing_is_named(
    arguments: list[str], variable: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--profile", "staging", *arguments]) == exits.MISCONFIGURED
    said = capsys.readouterr().err
    assert variable in said
    assert 'profile "staging"' in said


@pytest.mark.parametrize(
    ("command", "named"), [("status", "WINNOW_URL and WINNOW_TOKEN"), ("lag", "WINNOW_KAFKA_BOOTSTRAP")]
)
def test_where_nothing_is_named_and_nothing_runs_both_ways_out_are_said(
    command: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command]) == exits.UNAVAILABLE
    said = capsys.readouterr().err
    assert "make up" in said
    assert named in said
    assert "--profile" in said


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ({"WINNOW_URL": "https://winnow.example.com"}, "WINNOW_TOKEN"),
        ({"WINNOW_TOKEN": "t"}, "WINNOW_URL"),
        ({"WINNOW_KAFKA_BOOTSTRAP": "kafka.elsewhere:9092"}, "WINNOW_URL"),
        ({"WINNOW_URL": "winnow.example.com", "WINNOW_TOKEN": "t"}, "WINNOW_URL is to be an address such as https://"),
    ],
)
def test_an_address_and_a_token_are_all_that_a_user_needs_and_what_is_missing_is_named(
    told: dict[str, str], missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert run(["status"]) == exits.MISCONFIGURED
    assert missing in capsys.readouterr().err


def test_a_profile_nobody_knows_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--profile", "prodution", "status"]) == exits.MISCONFIGURED
    assert "Did you mean production?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[profiles.production\n", "cannot be read"),
        ("profiles = 3\n", "a profile is a table"),
        ('[profiles.production]\nkafka = "k:1"\n', "kafka: is no setting"),
        (
            '[profiles.production]\nkafka_bootstrap = "k:1"\ndatabase_url = "k"\nsecret = "hush"\n',
            "WINNOW_DATABASE_URL",
        ),
    ],
)
def test_a_file_that_is_not_right_is_said_to_be(
    config: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(text)
    assert run(["--profile", "production", "tenants", "list"]) == exits.MISCONFIGURED
    shown = capsys.readouterr().err
    assert said in shown
    assert "hush" not in shown


def test_no_secret_shows_when_settings_are_printed() -> None:
    profiles.choose("production")
    shown = f"{target().settings!r} {target()}"
    assert "the secret" not in shown
    assert "SK" not in shown.replace("s3_secret_key=SecretStr", "")
    assert "someone:else" not in shown


def test_the_environment_comes_before_what_is_passed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_S3_UPLOADS_BUCKET", "mine")
    assert read({"s3_uploads_bucket": "the-stack's"}).s3_uploads_bucket == "mine"
