"""The local stack: starts, cleans up after itself and after a crash, and says why it could not start."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.postgres_server import PostgresServer
from deploy.local.s3_server import S3Server
from deploy.local.server import StartFailed
from deploy.local.stack import Stack
from shared.messaging.lag import topic_lag


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    # The server runs as another user when we are root; pytest's folder is ours alone.
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    server = PostgresServer(tmp_path / "postgres")
    yield server
    server.kill()


def test_a_server_that_cannot_start_says_why_with_the_end_of_its_log(postgres: PostgresServer) -> None:
    postgres.start()
    postgres.stop()
    (postgres.folder / "data" / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(StartFailed) as failed:
        postgres.start()
    assert "PostgreSQL ended right after it was started" in str(failed.value)
    assert "no_such_setting" in str(failed.value)
    assert str(postgres.log) in str(failed.value)


def test_a_server_is_stopped_by_its_pid_and_keeps_its_port_and_data(postgres: PostgresServer) -> None:
    postgres.start()
    port, record = postgres.port(), postgres.record
    assert record is not None
    postgres.stop()
    assert not psutil.pid_exists(record.pid)
    assert not postgres.running
    postgres.start()
    assert postgres.port() == port


def test_what_a_crashed_run_left_is_cleaned_up_by_the_next(postgres: PostgresServer) -> None:
    postgres.start()
    record = postgres.record
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    # Nobody told the record: the next start finds it out.
    again = PostgresServer(postgres.folder)
    again.start()
    assert again.running
    assert again.record != record


def test_a_pid_that_is_somebody_elses_by_now_is_not_touched(tmp_path: Path) -> None:
    server = S3Server(tmp_path / "s3", {})
    server.folder.mkdir()
    (server.folder / "server.json").write_text(f'{{"pid": {os.getpid()}, "created": 1.0}}')
    assert not server.running
    server.kill()
    assert psutil.pid_exists(os.getpid())


async def test_servers_named_by_the_environment_are_used_and_left_alone(stack: Stack, tmp_path: Path) -> None:
    theirs = stack.endpoints
    mine = Stack(
        tmp_path / "mine",
        {
            "WINNOW_KAFKA_BOOTSTRAP": theirs.kafka_bootstrap,
            "WINNOW_POSTGRES_ADMIN_URL": theirs.postgres_admin_url,
            "WINNOW_S3_ENDPOINT": theirs.s3_endpoint,
            "WINNOW_S3_ACCESS_KEY": theirs.s3_access_key,
            "WINNOW_S3_SECRET_KEY": theirs.s3_secret_key,
        },
    )
    mine.up()
    assert mine.servers == []
    assert mine.endpoints == theirs
    mine.down()
    assert stack.running
    assert await topic_lag(theirs.kafka_bootstrap), "they still answer"


def test_secrets_are_in_a_file_only_its_owner_reads(stack: Stack) -> None:
    assert (stack.home / "state.json").stat().st_mode & 0o077 == 0
