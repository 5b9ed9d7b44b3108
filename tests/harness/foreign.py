"""Servers as somebody else runs them: with TLS, logins and certificates of an authority of their own."""

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from deploy.local.kafka_server import KafkaServer
from deploy.local.postgres_server import PostgresServer
from deploy.local.processes import is_listening
from deploy.local.s3_server import S3Server
from tests.harness.postgres_fronts import TRUSTED

USER, PASSWORD = "winnow", "a-secret"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True)
class Certificates:
    """An authority that no system knows, a server's certificate for 127.0.0.1, and a client's."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "Certificates":
        """New ones in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(made.authority)
        for name, issued in (
            ("server", authority.issue_cert("127.0.0.1", "localhost")),
            ("client", authority.issue_cert("client.test")),
        ):
            key = load_pem_private_key(issued.private_key_pem.bytes(), None)
            # Kafka reads PKCS #8 only.
            written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
            (folder / f"{name}.key").write_bytes(written)
            (folder / f"{name}.crt").write_bytes(chain)
            (folder / f"{name}.pem").write_bytes(written + chain)
        return made

    @property
    def authority(self) -> Path:
        """The authority's certificate."""
        return self.folder / "ca.pem"

    def of(self, name: str, kind: str = "pem") -> Path:
        """A certificate (`crt`), its key (`key`), or both (`pem`)."""
        return self.folder / f"{name}.{kind}"

    @property
    def server_context(self) -> ssl.SSLContext:
        """What a server of ours speaks TLS with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.of("server"))
        return context


class GuardedKafka(KafkaServer):
    """Kafka that asks whoever comes over TLS for a login, or for a certificate; without TLS it is as ever."""

    def __init__(self, folder: Path, libraries: Path, certificates: Certificates) -> None:
        super().__init__(folder, libraries)
        self._certificates = certificates

    def bootstrap_of(self, listener: str) -> str:
        """host:port where it asks for a login (`login`) or a certificate (`certificate`)."""
        return f"127.0.0.1:{self.port(f'{listener}_port')}"

    def _properties(self) -> str:
        # What is said last holds.
        mine = super()._properties()
        lines = dict(line.partition("=")[::2] for line in mine.splitlines() if "=" in line)
        login, certificate = self.bootstrap_of("login"), self.bootstrap_of("certificate")
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        plain = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        return f"""{mine}
listeners={lines["listeners"]},LOGIN://{login},CERTIFICATE://{certificate}
advertised.listeners={lines["advertised.listeners"]},LOGIN://{login},CERTIFICATE://{certificate}
listener.security.protocol.map={lines["listener.security.protocol.map"]},LOGIN:SASL_SSL,CERTIFICATE:SSL
ssl.keystore.type=PEM
ssl.keystore.location={self._certificates.of("server")}
ssl.truststore.type=PEM
ssl.truststore.location={self._certificates.authority}
listener.name.certificate.ssl.client.auth=required
listener.name.login.sasl.enabled.mechanisms={",".join(MECHANISMS)}
listener.name.login.plain.sasl.jaas.config={plain}
listener.name.login.scram-sha-256.sasl.jaas.config={scram}
listener.name.login.scram-sha-512.sasl.jaas.config={scram}
"""

    def _java(self, *arguments: str) -> str:
        if "format" in arguments:
            for mechanism in MECHANISMS[1:]:
                arguments += ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")
        return super()._java(*arguments)


class TrustingPostgres(PostgresServer):
    """PostgreSQL that asks a pooler for no password."""

    def prepare(self) -> None:
        """Let all in from where the pooler is."""
        super().prepare()
        rules = self.folder / "data" / "pg_hba.conf"
        trusted = f"host all all {TRUSTED}/32 trust\n"
        if not rules.read_text().startswith(trusted):
            owner = rules.stat()
            rules.write_text(trusted + rules.read_text())
            os.chown(rules, owner.st_uid, owner.st_gid)


class HttpsS3(S3Server):
    """The S3 server over HTTPS, too."""

    def __init__(self, folder: Path, keys: dict[str, tuple[str, str]], certificates: Certificates) -> None:
        super().__init__(folder, keys)
        self._certificates = certificates

    @property
    def https_endpoint(self) -> str:
        """https://host:port."""
        return f"https://127.0.0.1:{self.port('https_port')}"

    def answers(self) -> bool:
        """Whether it takes requests; buckets are not made."""
        return is_listening(self.port("https_port")) and is_listening(self.port("s3_port"))

    def command(self) -> Sequence[str]:
        """As ever, with a certificate."""
        return [
            *super().command(),
            f"-s3.port.https={self.port('https_port')}",
            f"-s3.cert.file={self._certificates.of('server', 'crt')}",
            f"-s3.key.file={self._certificates.of('server', 'key')}",
        ]
