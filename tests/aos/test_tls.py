"""https towards an AOS: certificates are checked, against the system's authorities or the one that is named."""

import datetime as dt
import hashlib
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.aos.peer import Iis, Peer, answer, peer
from workers import aos
from workers.aos.transport import Transport
from workers.errors import GiveUp, Retry

Key = ec.EllipticCurvePrivateKey


class Authority(NamedTuple):
    file: Path
    certificate: x509.Certificate
    key: Key


def certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: Authority | None, *names: x509.GeneralName
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer.key if issuer else key).public_key()), critical=False
        )
    )
    if issuer is None:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        built = built.add_extension(usage, critical=True)
    if names:
        built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return built.sign(issuer.key if issuer else key, hashes.SHA256())


def authority(folder: Path, name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    made = certificate(name, key, None)
    file = folder / f"{name}.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return Authority(file, made, key)


def context(folder: Path, issuer: Authority, *names: x509.GeneralName) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    file = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    made = certificate("server", key, issuer, *names)
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(file)
    return served


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return authority(tmp_path, "ours")


HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@pytest.fixture
def server(tmp_path: Path, ours: Authority) -> Iterator[Peer]:
    with peer(lambda _: answer(), tls=context(tmp_path, ours, HERE)) as served:
        yield served


def post(url: str, **options: object) -> int:
    transport = Transport([url], **options)  # type: ignore[arg-type]
    try:
        return transport.post(url, b"<rows/>", action="urn:a", time_limit_s=5, writes=True).status
    finally:
        transport.close()


def test_a_certificate_of_the_named_authority_is_taken(server: Peer, ours: Authority) -> None:
    assert post(server.url, ca_file=str(ours.file)) == 200


def test_a_certificate_of_another_authority_is_refused(server: Peer, tmp_path: Path) -> None:
    with pytest.raises(GiveUp, match=r"TLS failed: the certificate is not accepted, .*issuer") as failed:
        post(server.url, ca_file=str(authority(tmp_path, "theirs").file))
    assert failed.value.code == "RSC-5907"
    assert "RAPIDSTART_AOS_CA_FILE" in failed.value.advice
    assert server.requests == []


def test_without_a_named_authority_the_system_decides(server: Peer) -> None:
    with pytest.raises(GiveUp, match="TLS failed"):
        post(server.url)
    assert server.requests == []


def test_the_system_s_authorities_are_taken(server: Peer, ours: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.file))  # where OpenSSL finds the system's authorities; Windows has its own store
    assert post(server.url) == 200


def test_a_named_authority_stands_alone(server: Peer, ours: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.file))
    with pytest.raises(GiveUp, match="TLS failed"):
        post(server.url, ca_file=str(authority(tmp_path, "theirs").file))


def test_a_certificate_for_another_name_is_refused(tmp_path: Path, ours: Authority) -> None:
    served = context(tmp_path, ours, x509.DNSName("aos01.example"))
    with peer(lambda _: answer(), tls=served) as server, pytest.raises(GiveUp, match=r"TLS failed: .*127\.0\.0\.1"):
        post(server.url, ca_file=str(ours.file))
    assert server.requests == []


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_an_authority_that_cannot_be_read_is_told(content: bytes | None, server: Peer, tmp_path: Path) -> None:
    file = tmp_path / "broken.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(GiveUp, match="RAPIDSTART_AOS_CA_FILE"):
        post(server.url, ca_file=str(file))


def test_no_tls_where_tls_is_wanted_is_refused() -> None:
    with peer(lambda _: answer()) as plain, pytest.raises(GiveUp, match="TLS failed"):
        post(plain.url.replace("http:", "https:"))


def test_http_where_the_server_speaks_tls_is_no_success(server: Peer) -> None:
    with pytest.raises(Retry):
        post(server.url.replace("https:", "http:"))


def test_windows_authentication_over_tls_logs_on_once(tmp_path: Path, ours: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accounts").write_text("CONTOSO:loader:Secret1\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))
    iis = Iis("Negotiate", "NTLM")
    with peer(iis, tls=context(tmp_path, ours, HERE)) as server:
        credentials = aos.Credentials(user="CONTOSO\\loader", password="Secret1")
        transport = Transport([server.url], credentials=credentials, ca_file=str(ours.file))
        rows = b"<rows/>"
        for _ in range(4):
            assert transport.post(server.url, rows, action="urn:a", time_limit_s=5, writes=True).status == 200
        transport.close()
    assert (iis.logons, server.connections) == (1, 1)
    assert server.body_bytes == 4 * len(rows)


@pytest.mark.parametrize("schemes", [("Negotiate", "NTLM"), ("NTLM",)])
@pytest.mark.parametrize("is_ours", [True, False], ids=["the server's", "another's"])
def test_a_logon_is_bound_to_the_certificate_that_was_seen(
    tmp_path: Path, ours: Authority, monkeypatch: pytest.MonkeyPatch, schemes: tuple[str, ...], is_ours: bool
) -> None:
    """Extended Protection: a logon that was passed on by somebody in between is worth nothing."""
    (tmp_path / "accounts").write_text("CONTOSO:loader:Secret1\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))
    served = context(tmp_path, ours, HERE)
    pem = (tmp_path / "server.pem").read_text()
    seen = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN CERTIFICATE") :])).digest()
    iis = Iis(*schemes, binding=b"tls-server-end-point:" + (seen if is_ours else bytes(32)))
    with peer(iis, tls=served) as server:
        transport = Transport(
            [server.url], credentials=aos.Credentials(user="CONTOSO\\loader", password="Secret1"), ca_file=str(ours.file)
        )
        if is_ours:
            assert transport.post(server.url, b"<rows/>", action="urn:a", time_limit_s=5, writes=True).status == 200
        else:
            with pytest.raises(GiveUp, match="refuses this worker's account"):
                transport.post(server.url, b"<rows/>", action="urn:a", time_limit_s=5, writes=True)
        transport.close()
    assert (iis.logons, iis.failures) == ((1, 0) if is_ours else (0, 1))
