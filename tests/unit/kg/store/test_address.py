"""What is wrong with the address of a graph server is said, with what to write instead."""

import http.server
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from kg.errors import GraphUnavailableError
from kg.store.bolt_store import BoltGraphStore
from kg.store.connection import Connection


def refusal(uri: str) -> str:
    with (
        pytest.raises(GraphUnavailableError) as caught,
        BoltGraphStore(Connection(uri, "neo4j", SecretStr("hush"), "neo4j")) as store,
    ):
        store.info()
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """A server that speaks TLS with a certificate that it signed itself, and closes after the handshake."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        ["openssl", *made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    yield from _serving(lambda line: context.wrap_socket(line, server_side=True).close())


@pytest.fixture
def plain_port() -> Iterator[int]:
    """A server that speaks Bolt without TLS up to the choice of the version, and then closes."""

    def answer(line: socket.socket) -> None:
        greeting = line.recv(20)
        if greeting.startswith(b"\x60\x60\xb0\x17"):
            line.sendall(b"\x00\x00\x04\x04")

    yield from _serving(answer)


@pytest.fixture
def http_port() -> Iterator[int]:
    """A web server."""
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _serving(answer) -> Iterator[int]:
    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                try:
                    answer(line)
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
def test_a_plain_scheme_on_a_tls_server_is_named(tls_port: int, scheme: str) -> None:
    message = refusal(f"{scheme}://127.0.0.1:{tls_port}")
    assert message.startswith(f"the server at 127.0.0.1:{tls_port} speaks TLS")
    assert message.endswith(f"write {scheme}+ssc://127.0.0.1:{tls_port}")


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
def test_a_certificate_that_is_not_trusted_is_named(tls_port: int, scheme: str) -> None:
    message = refusal(f"{scheme}+s://127.0.0.1:{tls_port}")
    assert "does not trust the certificate" in message
    assert f"write {scheme}+ssc://127.0.0.1:{tls_port}" in message


@pytest.mark.parametrize("scheme", ["bolt+s", "bolt+ssc", "neo4j+s", "neo4j+ssc"])
def test_a_tls_scheme_on_a_plain_server_is_named(plain_port: int, scheme: str) -> None:
    place = f"127.0.0.1:{plain_port}"
    assert refusal(f"{scheme}://{place}") == (
        f"the server at {place} speaks Bolt without TLS; write {scheme.partition('+')[0]}://{place}"
    )


def test_the_port_of_a_web_server_is_named(http_port: int) -> None:
    assert refusal(f"bolt+s://127.0.0.1:{http_port}") == (
        f"127.0.0.1:{http_port} speaks HTTP, not Bolt; write the port on which the server speaks Bolt"
    )


@pytest.mark.parametrize(
    ("uri", "problem", "instead"),
    [
        ("http://db:7474", "HTTP interface", "write bolt://db:7687,"),
        ("HTTPS://db:7473", "HTTP interface", "write bolt+s://db:7687,"),
        ("http://db:2480/", "HTTP interface", "write bolt://db:7687,"),
        ("http://[::1]:9999", "HTTP interface", "write bolt://[::1]:9999,"),
        ("localhost:7687", "begins with none of bolt://", "write bolt://localhost:7687"),
        ("bolt:/localhost", "begins with none of", "write bolt://localhost"),
        ("7687", "begins with none of", "write bolt://localhost:7687"),
        ("bolts://db", "begins with none of", "write bolt://db"),
        ("bolt://ann:secret@db:7687", "must not contain a login", "write bolt://db:7687,"),
        ("http://ann:secret@db:7474", "HTTP interface", "write bolt://db:7687,"),
        ("ann:secret@db", "begins with none of", "write bolt://db"),
        ("bolt://db:99999", "the port 99999", "1 to 65535"),
        ("bolt://db:abc", "no address", "bolt://localhost:7687"),
        ("bolt://[::1", "no address", "bolt://localhost:7687"),
    ],
)
def test_an_address_of_another_kind_is_refused_before_any_connection(
    uri: str, problem: str, instead: str
) -> None:
    message = refusal(uri)
    assert problem in message
    assert instead in message
    assert "secret" not in message
