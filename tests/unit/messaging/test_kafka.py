"""How clients of Kafka are set up: every one of them in the same way."""

from pathlib import Path

import pytest
import trustme

from shared.connections import KafkaConnection, SaslMechanism
from shared.events import TOPICS
from shared.messaging.kafka import LARGEST_DEAD_LETTER, client_arguments, create_broker, declared_topics


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """An authority's certificate, and a client's with its key."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("client.test").private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    return tmp_path / "ca.pem", tmp_path / "client.pem"


def test_a_bare_address_is_a_cluster_where_nobody_logs_in() -> None:
    assert client_arguments("one:9092,two:9092") == {"bootstrap_servers": ["one:9092", "two:9092"]}


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("tls", [True, False])
def test_a_login_is_sent_by_every_kind_of_client(mechanism: SaslMechanism, tls: bool) -> None:
    kafka = KafkaConnection(
        "broker:9093",
        tls=tls,
        sasl_mechanism=mechanism,
        username="winnow",
        password="secret",
    )
    told = client_arguments(kafka)
    assert told["security_protocol"] == ("SASL_SSL" if tls else "SASL_PLAINTEXT")
    assert (told["ssl_context"] is not None) == tls
    assert (told["sasl_mechanism"], told["sasl_plain_username"], told["sasl_plain_password"]) == (
        mechanism,
        "winnow",
        "secret",
    )


def test_brokers_are_checked_against_the_authority_that_is_named(certificate: tuple[Path, Path]) -> None:
    authority, client = certificate
    told = client_arguments(KafkaConnection("broker:9093", tls=True, ca_file=authority, certificate_file=client))
    assert told["security_protocol"] == "SSL"
    context = told["ssl_context"]
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


async def test_a_producer_is_idempotent_unless_the_leader_alone_confirms() -> None:
    everybody = create_broker("broker:9092", client_id="test")._connection_kwargs
    leader = create_broker(KafkaConnection("broker:9092", acks="1"), client_id="test")._connection_kwargs
    assert (everybody["acks"], everybody["enable_idempotence"]) == ("all", True)
    assert (leader["acks"], leader["enable_idempotence"]) == (1, False)


@pytest.mark.parametrize(
    ("brokers", "connection", "replicas", "insync"),
    [
        (1, KafkaConnection("b"), 1, 1),
        (2, KafkaConnection("b"), 2, 1),
        (3, KafkaConnection("b"), 3, 2),
        (9, KafkaConnection("b"), 3, 2),
        (3, KafkaConnection("b", replication=2), 2, 1),
        (3, KafkaConnection("b", replication=3, min_insync=1), 3, 1),
        (1, KafkaConnection("b", min_insync=2), 1, 1),
    ],
)
def test_topics_get_the_replicas_a_cluster_can_hold(
    brokers: int, connection: KafkaConnection, replicas: int, insync: int
) -> None:
    made = declared_topics(connection, brokers=brokers)
    assert {topic.replication_factor for topic in made} == {replicas}
    assert {topic.topic_configs["min.insync.replicas"] for topic in made} == {str(insync)}
    assert len(made) == 2 * len(TOPICS)
    letters = [topic for topic in made if topic.name.endswith(".dead-letter")]
    assert {topic.topic_configs["max.message.bytes"] for topic in letters} == {str(LARGEST_DEAD_LETTER)}
