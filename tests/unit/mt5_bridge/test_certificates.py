import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from mt5_bridge.certificates import SERVER_NAME, ensure_certificates
from mt5_bridge.server import server_context
from tradeloom.errors import BrokerUnavailable, StorageUnavailable
from tradeloom.trading.mt5_transport import Endpoint, tls_context


def names(path: Path) -> list[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    value = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in value]


def test_made_once_and_kept(tmp_path: Path) -> None:
    first = ensure_certificates(tmp_path / "c")
    before = {path.name: path.read_bytes() for path in (tmp_path / "c").iterdir()}
    assert ensure_certificates(tmp_path / "c") == first
    assert {path.name: path.read_bytes() for path in (tmp_path / "c").iterdir()} == before
    assert sorted(before) == ["ca.key", "ca.pem", "client.key", "client.pem", "server.key", "server.pem"]


def test_keys_belong_to_their_owner_only(tmp_path: Path) -> None:
    ensure_certificates(tmp_path / "c")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "c").glob("*.key")} == {0o600}
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o700


def test_both_sides_load_them(tmp_path: Path) -> None:
    paths = ensure_certificates(tmp_path)
    context = server_context(paths)
    assert context.verify_mode.name == "CERT_REQUIRED"
    assert context.minimum_version.name == "TLSv1_3"
    endpoint = Endpoint(
        host="h", port=1, server_name=SERVER_NAME, ca=paths.ca, certificate=paths.client, key=paths.client_key
    )
    client = tls_context(endpoint)
    assert client.check_hostname
    assert client.verify_mode.name == "CERT_REQUIRED"
    with pytest.raises(BrokerUnavailable):
        tls_context(endpoint.model_copy(update={"key": tmp_path / "none"}))


def test_another_name_makes_another_server_certificate_of_the_same_authority(tmp_path: Path) -> None:
    first = ensure_certificates(tmp_path)
    authority, client = first.ca.read_bytes(), first.client.read_bytes()
    second = ensure_certificates(tmp_path, ("trading-host", "10.0.0.5"))
    assert names(second.server) == [SERVER_NAME, "localhost", "127.0.0.1", "::1", "trading-host", "10.0.0.5"]
    assert (second.ca.read_bytes(), second.client.read_bytes()) == (authority, client)


def test_leaves_are_made_anew_before_they_end(tmp_path: Path) -> None:
    first = ensure_certificates(tmp_path)
    client = first.client.read_bytes()
    ensure_certificates(tmp_path, now=datetime.now(UTC) + timedelta(days=660))
    assert first.client.read_bytes() == client
    ensure_certificates(tmp_path, now=datetime.now(UTC) + timedelta(days=680))
    assert first.client.read_bytes() != client


def test_a_lost_authority_is_replaced_with_everything_it_signed(tmp_path: Path) -> None:
    first = ensure_certificates(tmp_path)
    client = first.client.read_bytes()
    (tmp_path / "ca.key").unlink()
    assert ensure_certificates(tmp_path).client.read_bytes() != client


def test_unreadable_ones_are_an_error(tmp_path: Path) -> None:
    ensure_certificates(tmp_path)
    (tmp_path / "ca.key").write_text("no key")
    with pytest.raises(StorageUnavailable):
        ensure_certificates(tmp_path)
