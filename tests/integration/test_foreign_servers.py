"""Winnow on servers that somebody else runs: TLS, logins, certificates, HTTPS, a pooler; told by the environment alone."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka.errors import KafkaError
from sqlalchemy import text
from sqlalchemy.engine import make_url
from uuid_utils.compat import uuid7

from deploy.local.processes import free_port
from deploy.local.s3_server import RIGHTS
from deploy.local.stack import PROJECT
from services.parser.reading.lease import reading_lease
from shared.connections import DatabaseOptions, KafkaConnection, SaslMechanism, StorageConnection
from shared.db.engine import connect_directly, create_engine
from shared.db.migrate import migrate
from shared.db.roles import role_password
from shared.events import FileUploaded
from shared.events.topics import FILE_UPLOADED
from shared.ledger import ImportProgress, read_import
from shared.messaging.dead_letters import Cause, DeadLetters, DeadLetterWriter
from shared.messaging.envelope import Delivery, seal, wire_headers
from shared.messaging.failures import FailureKind, kind_of
from shared.messaging.kafka import (
    TopicsMissing,
    admin_client,
    apply_topics,
    connected_publisher,
    create_broker,
    ensure_topics,
    subscribe,
)
from shared.messaging.lag import topic_lag
from shared.storage import ObjectStore, apply_buckets
from tests.harness.files import catalogue, workbook
from tests.harness.fleet import STAGES, Fleet
from tests.harness.foreign import PASSWORD, USER, Certificates, GuardedKafka, HttpsS3, TrustingPostgres
from tests.harness.postgres_fronts import TransactionPooler, tls_front
from tests.harness.world import eventually

SECRET = "what the passwords are derived from"
PARSER_PASSWORD = "it's \\ the parser's"
ADMIN = ("winnow-admin", "a-key-of-storage")


@dataclass(frozen=True)
class Foreign:
    """The three servers, with nothing of Winnow's on them."""

    kafka: GuardedKafka
    postgres: TrustingPostgres
    s3: HttpsS3
    certificates: Certificates

    def kafka_by_login(self, mechanism: SaslMechanism, *, password: str = PASSWORD) -> KafkaConnection:
        return KafkaConnection(
            self.kafka.bootstrap_of("login"),
            tls=True,
            ca_file=self.certificates.authority,
            sasl_mechanism=mechanism,
            username=USER,
            password=password,
        )

    @property
    def kafka_by_certificate(self) -> KafkaConnection:
        return KafkaConnection(
            self.kafka.bootstrap_of("certificate"),
            tls=True,
            ca_file=self.certificates.authority,
            certificate_file=self.certificates.of("client", "crt"),
            key_file=self.certificates.of("client", "key"),
        )

    @property
    def storage(self) -> StorageConnection:
        return StorageConnection(self.s3.https_endpoint, *ADMIN, ca_file=self.certificates.authority)


@pytest.fixture(scope="module")
def foreign() -> Iterator[Foreign]:
    home = PROJECT / ".winnow" / f"tests-foreign-{os.getpid()}"
    libraries = os.environ.get("WINNOW_KAFKA_LIBRARIES")
    certificates = Certificates.made(home / "certificates")
    servers = Foreign(
        GuardedKafka(
            home / "kafka", Path(libraries) if libraries else PROJECT / ".winnow" / "kafka-libraries", certificates
        ),
        TrustingPostgres(home / "postgres"),
        HttpsS3(home / "s3", {who: (f"winnow-{who}", "a-key-of-storage") for who in RIGHTS}, certificates),
        certificates,
    )
    started = (servers.kafka, servers.postgres, servers.s3)
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.start(), started))
        yield servers
    finally:
        for server in started:
            server.kill()
        shutil.rmtree(home, ignore_errors=True)


BY_LOGIN_OR_CERTIFICATE: dict[str, Callable[[Foreign], KafkaConnection]] = {
    "PLAIN": lambda foreign: foreign.kafka_by_login("PLAIN"),
    "SCRAM-SHA-256": lambda foreign: foreign.kafka_by_login("SCRAM-SHA-256"),
    "SCRAM-SHA-512": lambda foreign: foreign.kafka_by_login("SCRAM-SHA-512"),
    "certificate": lambda foreign: foreign.kafka_by_certificate,
}


@pytest.mark.parametrize("way", BY_LOGIN_OR_CERTIFICATE)
async def test_every_kind_of_client_of_kafka_gets_in_over_tls(foreign: Foreign, way: str) -> None:
    kafka = BY_LOGIN_OR_CERTIFICATE[way](foreign)
    await apply_topics(kafka)
    assert await apply_topics(kafka) == [], "repeating it changes nothing"
    body = f'{{"sent": "{uuid7()}"}}'.encode()
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    broker = create_broker(kafka, client_id="test")

    async def hear(message: bytes) -> None:
        await heard.put(message)

    subscribe(broker, FILE_UPLOADED, replica=None)(hear, decoder=_raw)
    async with connected_publisher(kafka, client_id="test") as publisher:
        await publisher.publish(FILE_UPLOADED.name, None, body, [])
        letter = Delivery(FILE_UPLOADED.name, 0, 0, body)
        await DeadLetterWriter(publisher).write(letter, Cause("Test", "a letter", 1), stage="test")
        await broker.start()
        try:
            while await asyncio.wait_for(heard.get(), 30) != body:
                pass
        finally:
            await broker.stop()
        assert body in [found.body for found in await DeadLetters(kafka, publisher).waiting([FILE_UPLOADED])]
    assert FILE_UPLOADED.name in {lag.topic for lag in await topic_lag(kafka)}


async def _raw(message: object) -> bytes:
    return bytes(message.body)  # type: ignore[attr-defined]


async def test_a_login_or_a_certificate_that_is_refused_is_an_operators_to_put_right(foreign: Foreign) -> None:
    strangers = [
        foreign.kafka_by_login("SCRAM-SHA-512", password="wrong"),
        KafkaConnection(
            foreign.kafka.bootstrap_of("login"), tls=True, sasl_mechanism="PLAIN", username=USER, password=PASSWORD
        ),
        KafkaConnection(foreign.kafka.bootstrap_of("certificate"), tls=True, ca_file=foreign.certificates.authority),
    ]
    for kafka in strangers:
        with pytest.raises(KafkaError) as refused:
            await apply_topics(kafka)
        assert kind_of(refused.value) is FailureKind.TRANSIENT, refused.value


async def test_a_service_that_may_make_no_topics_names_those_that_are_missing(foreign: Foreign) -> None:
    bare = KafkaConnection(foreign.kafka.bootstrap, may_create_topics=False)
    await apply_topics(bare)
    assert await ensure_topics(bare) == []
    await _delete(foreign, FILE_UPLOADED.dead_letter)
    with pytest.raises(TopicsMissing, match=FILE_UPLOADED.dead_letter) as missing:
        await ensure_topics(bare)
    assert kind_of(missing.value) is FailureKind.TRANSIENT
    made = await ensure_topics(KafkaConnection(foreign.kafka.bootstrap))
    assert made == [FILE_UPLOADED.dead_letter]


async def _delete(foreign: Foreign, topic: str) -> None:
    async with admin_client(foreign.kafka.bootstrap) as admin:
        await admin.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await admin.list_topics()

        await eventually(f"{topic} is gone", gone)


async def test_more_replicas_than_there_are_brokers_are_waited_for(foreign: Foreign) -> None:
    three = KafkaConnection(foreign.kafka.bootstrap, replication=3)
    await apply_topics(KafkaConnection(foreign.kafka.bootstrap))
    await _delete(foreign, FILE_UPLOADED.dead_letter)
    with pytest.raises(TopicsMissing) as early:
        await ensure_topics(three)
    assert kind_of(early.value) is FailureKind.TRANSIENT
    await apply_topics(three, replication=1)


async def test_buckets_are_made_once_over_https(foreign: Foreign) -> None:
    wanted = [f"first-{os.getpid()}", f"second-{os.getpid()}"]
    assert await apply_buckets(foreign.storage, wanted[:1]) == wanted[:1]
    assert await apply_buckets(foreign.storage, wanted) == wanted[1:]
    assert await apply_buckets(foreign.storage, wanted) == []
    unknown = StorageConnection(foreign.s3.https_endpoint, *ADMIN)
    with pytest.raises(Exception, match=r"(?i)certificate"):
        await apply_buckets(unknown, wanted)


async def test_an_import_runs_over_tls_alone_after_setup_by_the_environment(foreign: Foreign, tmp_path: Path) -> None:
    async with tls_front(foreign.postgres.port(), foreign.certificates.server_context) as port:
        by_tls = f"?sslmode=verify-full&sslrootcert={foreign.certificates.authority}"
        admin = make_url(foreign.postgres.admin_url).set(port=port).render_as_string(hide_password=False) + by_tls
        common = {
            "WINNOW_KAFKA_BOOTSTRAP": foreign.kafka.bootstrap_of("login"),
            "WINNOW_KAFKA_TLS": "true",
            "WINNOW_KAFKA_CA_FILE": str(foreign.certificates.authority),
            "WINNOW_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "WINNOW_KAFKA_USERNAME": USER,
            "WINNOW_KAFKA_PASSWORD": PASSWORD,
            "WINNOW_S3_ENDPOINT": foreign.s3.https_endpoint,
            "WINNOW_S3_ACCESS_KEY": ADMIN[0],
            "WINNOW_S3_SECRET_KEY": ADMIN[1],
            "WINNOW_S3_CA_FILE": str(foreign.certificates.authority),
            "WINNOW_S3_ADDRESSING": "path",
        }
        setup = {
            **common,
            "WINNOW_POSTGRES_ADMIN_URL": admin,
            "WINNOW_SECRET": SECRET,
            "WINNOW_DATABASE_NAME": "over_tls",
            "WINNOW_ROLE_PASSWORDS": '{"winnow_parser": "it\'s \\\\ the parser\'s"}',
        }
        done = await asyncio.to_thread(_job, tmp_path / "closed", setup, "setup")
        assert done.returncode == 0, done.stderr
        done = await asyncio.to_thread(_job, tmp_path / "closed", setup, "setup")
        assert done.stdout.splitlines() == [
            "The database is at the newest version, and its roles have their passwords.",
            "All topics are there.",
            "All buckets are there.",
        ]

        def address(role: str) -> str:
            password = PARSER_PASSWORD if role == "winnow_parser" else role_password(SECRET, role)
            url = make_url(f"postgresql+asyncpg://127.0.0.1:{port}/over_tls").set(username=role, password=password)
            return url.render_as_string(hide_password=False) + by_tls

        async with _fleet(lambda service: {**common, **_addresses(service, address)}, tmp_path):
            ended = await _imported(
                foreign, foreign.kafka_by_login("SCRAM-SHA-512"), address("winnow_operator"), tmp_path
            )
        assert (ended.status, ended.created_rows) == ("completed", 300)

        plain = create_engine(address("winnow_parser").partition("?")[0] + "?sslmode=disable", name="test")
        with pytest.raises(Exception, match="encryption"):
            async with plain.connect():
                pass


async def test_an_import_runs_through_a_pooler_that_hands_out_transactions(foreign: Foreign, tmp_path: Path) -> None:
    await migrate(foreign.postgres.admin_url, SECRET, database="pooled")
    await apply_topics(foreign.kafka.bootstrap)
    await apply_buckets(foreign.storage, ["winnow-uploads", "winnow-results"])
    pooler = TransactionPooler(foreign.postgres.port())
    common = {
        "WINNOW_KAFKA_BOOTSTRAP": foreign.kafka.bootstrap,
        "WINNOW_S3_ENDPOINT": foreign.s3.https_endpoint,
        "WINNOW_S3_ACCESS_KEY": ADMIN[0],
        "WINNOW_S3_SECRET_KEY": ADMIN[1],
        "WINNOW_S3_CA_FILE": str(foreign.certificates.authority),
        "WINNOW_DATABASE_POOLER": "transaction",
    }
    async with pooler.serving() as port:

        def address(role: str) -> str:
            return f"postgresql+asyncpg://{role}:{role_password(SECRET, role)}@127.0.0.1:{port}/pooled"

        direct = address("winnow_operator").replace(f":{port}/", f":{foreign.postgres.port()}/")
        async with _fleet(lambda service: {**common, **_addresses(service, address)}, tmp_path) as fleet:
            ended = await _imported(foreign, KafkaConnection(foreign.kafka.bootstrap), direct, tmp_path)
            for service in STAGES:
                assert re.search("asyncpg|sqlalchemy", fleet.logged(service)) is None, (
                    "no attempt failed and was repeated"
                )
        assert (ended.status, ended.created_rows) == ("completed", 300)
        assert pooler.transactions > 20, "all of it went through the pooler"

        engine = create_engine(address("winnow_parser"), name="test", options=DatabaseOptions(transaction_pooler=True))
        import_id = UUID(str(uuid7()))
        async with (
            reading_lease(engine, import_id, patience=0) as first,
            reading_lease(engine, import_id, patience=0) as second,
        ):
            assert (first, second) == (True, False)
        async with reading_lease(engine, import_id, patience=0) as again:
            assert again, "what is given back is free, whichever connection it was on"
        for number in range(3 * pooler.size):
            async with engine.begin() as conn:
                assert (await conn.execute(text("SELECT CAST(:n AS int)"), {"n": number})).scalar_one() == number
        async with engine.connect() as conn:
            assert (await conn.execute(text("SHOW lock_timeout"))).scalar_one() == "15s", "the role's own"
        await engine.dispose()


async def test_past_the_pooler_one_hears_what_others_notify(foreign: Foreign) -> None:
    await migrate(foreign.postgres.admin_url, SECRET, database="pooled")
    async with TransactionPooler(foreign.postgres.port()).serving() as port:
        at = f"postgresql+asyncpg://winnow_relay:{role_password(SECRET, 'winnow_relay')}@127.0.0.1"
        options = DatabaseOptions(transaction_pooler=True).with_direct(f"{at}:{foreign.postgres.port()}/pooled")
        engine = create_engine(f"{at}:{port}/pooled", name="test", options=options)
        heard: asyncio.Queue[object] = asyncio.Queue()
        listening = await connect_directly(engine, name="test")
        await listening.add_listener("of_a_test", lambda *said: heard.put_nowait(said[-1]))
        async with engine.begin() as conn:
            await conn.execute(text("NOTIFY of_a_test, 'something'"))
        assert await asyncio.wait_for(heard.get(), 10) == "something"
        await listening.close()
        await engine.dispose()


def _job(folder: Path, environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder that is closed to writing, and see that nothing was written there."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o555)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("winnow")), *arguments],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # For root the folder is not closed.
    assert list(folder.iterdir()) == []
    return done


@asynccontextmanager
async def _fleet(told: Callable[[str], Mapping[str, str]], logs: Path) -> AsyncIterator[Fleet]:
    """One process of every stage."""

    def environment(service: str, _replica: int) -> Mapping[str, str]:
        return {
            **told(service),
            "WINNOW_PARSER_CHUNK_ROWS": "100",
            "WINNOW_PARSER_ADMIT_UNKNOWN_TENANTS": "true",
            "WINNOW_HTTP_PORT": str(ports[service]),
        }

    ports = {service: free_port() for service in STAGES}
    fleet = Fleet(environment, logs)
    try:
        await asyncio.to_thread(fleet.start, dict.fromkeys(STAGES, 1))
        yield fleet
    finally:
        await asyncio.to_thread(fleet.stop)


def _addresses(service: str, address: Callable[[str], str]) -> Mapping[str, str]:
    return {
        "WINNOW_DATABASE_URL": address(f"winnow_{service}"),
        "WINNOW_RELAY_DATABASE_URL": address("winnow_relay"),
    }


async def _imported(foreign: Foreign, kafka: KafkaConnection, database: str, folder: Path) -> ImportProgress:
    """An import of three hundred rows, when it has ended."""
    import_id = UUID(str(uuid7()))
    file = workbook(folder / "catalogue.xlsx", catalogue(100))
    key = f"acme/{import_id}/catalogue.xlsx"
    await ObjectStore(foreign.storage).upload("winnow-uploads", key, file, "application/octet-stream")
    event = FileUploaded(
        tenant_id="acme",
        user_id="tester",
        entity_type="products",
        mode="create",
        object_key=key,
        file_name=file.name,
        import_id=import_id,
    )
    envelope = seal(event)
    async with connected_publisher(kafka, client_id="test") as publisher:
        await publisher.publish(FILE_UPLOADED.name, None, envelope.body, wire_headers(envelope.headers))
    engine = create_engine(database, name="test")

    async def look() -> ImportProgress | None:
        async with engine.connect() as conn:
            found = await read_import(conn, import_id)
        return found if found is not None and found.completed_at is not None else None

    try:
        return await eventually("the import ends", look, seconds=45)
    finally:
        await engine.dispose()
