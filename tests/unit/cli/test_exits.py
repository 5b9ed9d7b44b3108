from collections.abc import Callable

import pytest
from asyncpg import InvalidPasswordError
from minio.error import S3Error
from urllib3 import HTTPResponse

from services.cli import exits
from services.cli.__main__ import run
from services.cli.commands import imports


@pytest.mark.parametrize(
    ("status", "code"),
    [("completed", 0), ("completed_with_failures", 2), ("failed", 1), ("cancelled", 1), ("importing", 1)],
)
def test_exit_codes_say_how_an_import_ended(status: str, code: int) -> None:
    assert exits.of_status(status) == code


@pytest.mark.parametrize("arguments", [["--help"], ["import", "--help"], ["dead-letters", "redrive", "--help"]])
def test_help_is_no_failure(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["import"], ["status", "--limit", "0"]])
def test_what_is_not_understood_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == exits.USAGE


def s3_refuses() -> Exception:
    return S3Error(
        code="SignatureDoesNotMatch",
        message="no",
        resource="r",
        request_id="1",
        host_id="h",
        response=HTTPResponse(status=403),
    )


def postgres_refuses() -> Exception:
    return InvalidPasswordError('password authentication failed for user "winnow_operator"')


@pytest.mark.parametrize(
    ("refusal", "said"), [(s3_refuses, "WINNOW_S3_SECRET_KEY"), (postgres_refuses, "WINNOW_SECRET")]
)
def test_a_server_that_refuses_who_asks_is_a_sentence_that_names_the_setting(
    refusal: Callable[[], Exception], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refused(*_arguments: object, **_more: object) -> int:
        raise refusal()

    monkeypatch.setattr(imports, "_status", refused)
    assert run(["status"]) == exits.MISCONFIGURED
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
