"""The bridge's own certificate authority: made at first start, kept beside the bridge, trusted by nobody else.

One certificate for the server, one for its clients. Keys are readable by their owner only. Leaf certificates are made
anew when they near their end or the server gets another name.
"""

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tradeloom.errors import StorageUnavailable

SERVER_NAME = "tradeloom-bridge"
"""The name clients check, whatever address they reach the bridge by."""

_CA_LIFE = timedelta(days=3650)
_LEAF_LIFE = timedelta(days=730)
_RENEW_BEFORE = timedelta(days=60)
_CLOCK_SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of PEM files. A client needs `ca`, `client` and `client_key`."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def ensure_certificates(directory: Path, names: tuple[str, ...] = (), now: datetime | None = None) -> Certificates:
    """Makes what is missing or nearly over; returns where everything is. `names` are host names or addresses.

    Raises `StorageUnavailable` when the directory cannot be written or holds something unreadable.
    """
    now = now or datetime.now(UTC)
    paths = Certificates(
        *(directory / name for name in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key"))
    )
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = _Authority.open(paths.ca, directory / "ca.key", now)
        alternatives = _alternatives(names)
        if not _good(paths.server, paths.server_key, authority, now, alternatives):
            authority.issue(SERVER_NAME, ExtendedKeyUsageOID.SERVER_AUTH, paths.server, paths.server_key, alternatives)
        if not _good(paths.client, paths.client_key, authority, now, []):
            authority.issue("tradeloom-client", ExtendedKeyUsageOID.CLIENT_AUTH, paths.client, paths.client_key, [])
    except (OSError, ValueError) as error:
        raise StorageUnavailable(f"the certificates in {directory} cannot be used: {error}") from error
    return paths


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    now: datetime

    @classmethod
    def open(cls, path: Path, key_path: Path, now: datetime) -> "_Authority":
        if path.exists() and key_path.exists():
            key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise ValueError(f"{key_path} is not the key this bridge made")
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
            if certificate.not_valid_after_utc > now + _LEAF_LIFE:
                return cls(certificate, key, now)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tradeloom bridge authority")])
        certificate = (
            _builder(name, name, key, now, _CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(key_path, _key_pem(key), 0o600)
        _write(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        return cls(certificate, key, now)

    def issue(
        self, name: str, use: x509.ObjectIdentifier, path: Path, key_path: Path, alternatives: list[x509.GeneralName]
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer_key = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        builder = (
            _builder(subject, self.certificate.subject, key, self.now, _LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier(issuer_key.digest, None, None), critical=False)
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        _write(key_path, _key_pem(key), 0o600)
        _write(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(now + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: tuple[str, ...]) -> list[x509.GeneralName]:
    return [_general_name(name) for name in dict.fromkeys((SERVER_NAME, "localhost", "127.0.0.1", "::1", *names))]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _good(path: Path, key_path: Path, authority: _Authority, now: datetime, names: list[x509.GeneralName]) -> bool:
    if not (path.exists() and key_path.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    if certificate.not_valid_after_utc < now + _RENEW_BEFORE:
        return False
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except Exception:  # another authority's; the library has several errors for it
        return False
    if not names:
        return True
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    return list(extension.value) == names


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all, and never readable to others even for a moment."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    temporary.replace(path)
