"""A certificate that a server shows to itself: what has its key is the server, what has not is refused."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import randbits

from Crypto.Hash import SHA256
from Crypto.IO import PEM
from Crypto.PublicKey import ECC
from Crypto.Signature import DSS
from Crypto.Util.asn1 import DerBitString, DerInteger, DerObject, DerObjectId, DerSequence, DerSetOf

_ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
_COMMON_NAME = "2.5.4.3"
_UTF8_STRING = 0x0C
_GENERALIZED_TIME = 0x18
_YEARS = timedelta(days=3650)


def write_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """The files of a self-signed certificate (X.509, P-256) and of its key, which only the owner reads; made once."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    if not (certificate.exists() and key.exists()):
        made = ECC.generate(curve="p256")
        _write(key, made.export_key(format="PEM"))
        _write(certificate, PEM.encode(_self_signed(made, name), "CERTIFICATE"))
    return certificate, key


def _self_signed(key: ECC.EccKey, name: str) -> bytes:
    """RFC 5280, version 1: there is nothing to say in extensions."""
    algorithm = DerSequence([DerObjectId(_ECDSA_WITH_SHA256).encode()])
    attribute = DerSequence([DerObjectId(_COMMON_NAME).encode(), DerObject(_UTF8_STRING, name.encode()).encode()])
    issuer = DerSequence([DerSetOf([attribute.encode()]).encode()])
    now = datetime.now(UTC)
    validity = DerSequence([_time(now - timedelta(days=1)), _time(now + _YEARS)])
    body = DerSequence(
        [
            DerInteger(randbits(64) | 1).encode(),
            algorithm.encode(),
            issuer.encode(),
            validity.encode(),
            issuer.encode(),
            key.public_key().export_key(format="DER"),
        ]
    ).encode()
    signature = DSS.new(key, "fips-186-3", encoding="der").sign(SHA256.new(body))
    return DerSequence([body, algorithm.encode(), DerBitString(signature).encode()]).encode()


def _time(moment: datetime) -> bytes:
    return DerObject(_GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode()).encode()


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
