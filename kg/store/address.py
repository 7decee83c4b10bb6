"""Checks the address of a graph server, and finds out why a server at an address does not answer.

The driver reports a TLS scheme on a plain server, and the reverse, as a connection that was closed. A few
bytes sent to the port tell what it speaks.
"""

import re
import socket
import ssl
from urllib.parse import SplitResult, urlsplit

from kg.errors import GraphUnavailableError
from kg.store.connection import Connection

BOLT_PORT = 7687
_HTTP_PORTS = (7474, 7473, 2480, 2490)
"""The usual ports of the HTTP interfaces of Neo4j and ArcadeDB."""

_SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
_HANDSHAKE = bytes.fromhex("6060b017 00000405 00000404 00000004 00000000")
"""Bolt's magic number and four proposals of a version (https://neo4j.com/docs/bolt/current/bolt/handshake)."""

_PATIENCE = 3.0
"""In seconds, for each attempt."""


def check_address(connection: Connection) -> None:
    """Check the form of the address.

    Raises:
        GraphUnavailableError: the address is none of a Bolt server; the message says what to write instead.
    """
    parts, port = _split(connection.uri)
    scheme = parts.scheme if "://" in connection.uri else ""
    if scheme in ("http", "https"):
        usual = BOLT_PORT if port is None or port in _HTTP_PORTS else port
        tls = "+s" if scheme == "https" else ""
        raise GraphUnavailableError(
            f"{connection.address} is the address of an HTTP interface, not of a Bolt server; "
            f"write bolt{tls}://{_host(parts)}:{usual}, or the port on which the server speaks Bolt"
        )
    if scheme not in _SCHEMES:
        shown = connection.uri.rpartition("@")[2]
        rest = re.sub(r"^[\w+]*:/+", "", shown) or "localhost"
        raise GraphUnavailableError(
            f"NEO4J_URI={shown!r} begins with none of {', '.join(f'{x}://' for x in _SCHEMES)}; "
            f"write bolt://{f'localhost:{rest}' if rest.isdecimal() else rest}"
        )
    if "@" in parts.netloc:
        raise GraphUnavailableError(
            f"NEO4J_URI must not contain a login; write {connection.address}, and put the login into "
            "NEO4J_USERNAME and NEO4J_PASSWORD"
        )
    if port is not None and not 0 < port < 2**16:
        raise GraphUnavailableError(f"{connection.address} has the port {port}; ports are 1 to 65535")


def reason_for_silence(connection: Connection, *, routed: bool) -> str | None:
    """What is wrong with the scheme or port of an address at which the driver could not connect, or None.

    `routed` says that the driver asked the server for the addresses of its cluster.
    """
    parts, port = _split(connection.uri)
    scheme, _, tls = parts.scheme.partition("+")
    address = (parts.hostname or "localhost", port or BOLT_PORT)
    place = f"{_host(parts)}:{address[1]}"
    found = _plain_answer(address)
    if found == "other":
        found = _encrypted_answer(address)
    match found:
        case "http" | "https":
            return f"{place} speaks HTTP, not Bolt; write the port on which the server speaks Bolt"
        case "bolt" if tls:
            return f"the server at {place} speaks Bolt without TLS; write {scheme}://{place}"
        case "bolt" if routed:
            return (
                f"the server at {place} answers, but not at the address that it names; write bolt://{place}"
            )
        case "trusted" if not tls:
            return f"the server at {place} speaks TLS; write {scheme}+s://{place}"
        case "untrusted" if not tls:
            return (
                f"the server at {place} speaks TLS with a certificate that this machine does not trust; "
                f"write {scheme}+ssc://{place}"
            )
        case "untrusted" if tls == "s":
            return (
                f"this machine does not trust the certificate of the server at {place}, perhaps because the "
                f"server signed it itself; write {scheme}+ssc://{place}, or install the certificate"
            )
    return None


def _split(uri: str) -> tuple[SplitResult, int | None]:
    """The parts of an address, and its port.

    Raises:
        GraphUnavailableError: the port is no number, or the host has an unclosed bracket.
    """
    try:
        parts = urlsplit(uri)
        given = re.fullmatch(r".*\]?:([^:\]]+)", parts.netloc.rpartition("@")[2])
        return parts, int(given[1]) if given else None
    except ValueError:
        shown = uri.rpartition("@")[2]
        raise GraphUnavailableError(
            f"NEO4J_URI: {shown!r} is no address; write one like bolt://localhost:{BOLT_PORT}"
        ) from None


def _host(parts: SplitResult) -> str:
    host = parts.hostname or "localhost"
    return f"[{host}]" if ":" in host else host


def _plain_answer(address: tuple[str, int]) -> str | None:
    """What answers without encryption: bolt, http, other, or None if no connection is possible."""
    try:
        with socket.create_connection(address, _PATIENCE) as line:
            found = _protocol(line, _HANDSHAKE)
        if found == "other":
            with socket.create_connection(address, _PATIENCE) as line:
                found = "http" if _protocol(line, b"GET / HTTP/1.0\r\n\r\n") == "http" else "other"
    except OSError:
        return None
    return found


def _encrypted_answer(address: tuple[str, int]) -> str | None:
    """What answers a TLS handshake: trusted, untrusted, https, or None if nothing answers."""
    anyone = ssl.create_default_context()
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(address, _PATIENCE) as line, anyone.wrap_socket(line) as encrypted:
            if _protocol(encrypted, _HANDSHAKE) == "http":
                return "https"
    except OSError:
        return None
    try:
        with (
            socket.create_connection(address, _PATIENCE) as line,
            ssl.create_default_context().wrap_socket(line, server_hostname=address[0]),
        ):
            return "trusted"
    except OSError:
        return "untrusted"


def _protocol(line: socket.socket, greeting: bytes) -> str:
    try:
        line.sendall(greeting)
        answer = line.recv(4)
    except OSError:
        return "other"
    if answer == b"HTTP":
        return "http"
    # a server answers with the version that it chose, which begins with a zero
    return "bolt" if len(answer) == 4 and answer[0] == 0 else "other"
