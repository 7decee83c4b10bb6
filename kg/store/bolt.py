"""Access to a Bolt server: use of the driver, translation of its errors, and free statements.

This module does not depend on the content of a Trailmix graph; `bolt_store.py` does.
"""

import asyncio
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from neo4j import AsyncGraphDatabase
from neo4j.exceptions import AuthError, DriverError, Neo4jError, ServiceUnavailable, SessionExpired
from neo4j.graph import Node, Path, Relationship

from kg.errors import GraphUnavailableError, QueryError
from kg.store.address import check_address, reason_for_silence
from kg.store.connection import Connection

DRIVER_OPTIONS: dict[str, Any] = {
    "connection_timeout": 5.0,
    "max_transaction_retry_time": 15.0,
    "notifications_min_severity": "OFF",
    "user_agent": "trailmix",
}

logging.getLogger("neo4j").addHandler(logging.NullHandler())  # the driver's errors are raised as well


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """Translate the driver's errors to GraphUnavailableError or QueryError."""
    try:
        yield
    except AuthError as error:
        raise GraphUnavailableError(
            f"the graph server at {connection.address} refused the login of {connection.username!r}; "
            "check NEO4J_USERNAME and NEO4J_PASSWORD"
        ) from error
    except (ServiceUnavailable, SessionExpired, OSError) as error:
        silent = (
            f"no graph server answers at {connection.address}; check NEO4J_URI, or run trailmix graph start"
        )
        raise GraphUnavailableError(
            reason_for_silence(connection, routed="routing" in str(error)) or silent
        ) from error
    except Neo4jError as error:
        raise QueryError(f"{error.code}: {error.message}") from error
    except DriverError as error:
        raise GraphUnavailableError(f"the graph driver cannot use {connection.address}: {error}") from error


def free_query(
    connection: Connection,
    statement: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    timeout: float,
    write: bool = False,
) -> list[dict[str, Any]]:
    """Run one statement on a separate connection and return its records as plain Python values.

    Raises:
        GraphUnavailableError: no server answers, or it refuses the login.
        QueryError: the statement was refused, failed, or did not finish in `timeout` seconds.
    """
    check_address(connection)
    access = "WRITE" if write else "READ"
    with translated(connection):
        try:
            running = _run_free(connection, statement, dict(parameters or {}), access)
            return asyncio.run(asyncio.wait_for(running, timeout))
        except TimeoutError:
            raise QueryError(f"the query was ended after {timeout:g} s") from None


async def _run_free(
    connection: Connection, statement: str, parameters: dict[str, Any], access: str
) -> list[dict[str, Any]]:
    """Run a statement with the asynchronous driver.

    Cancelling the task closes the connection at once; the blocking driver cannot interrupt a read that waits
    for the server. Neo4j then ends the statement; ArcadeDB continues it.
    """
    driver = AsyncGraphDatabase.driver(connection.uri, auth=connection.auth, **DRIVER_OPTIONS)
    async with driver, driver.session(database=connection.database, default_access_mode=access) as session:
        result = await session.run(statement, parameters)
        return [{name: _plain(value) for name, value in dict(record).items()} async for record in result]


def _plain(value: Any) -> Any:
    """Convert the driver's types: a node becomes its properties, a relation its type and properties."""
    match value:
        case Path():
            return [
                _plain(x) for pair in zip(value.nodes, value.relationships, strict=False) for x in pair
            ] + [_plain(value.end_node)]
        case Relationship():
            return {"type": value.type, **dict(value)}
        case Node():
            return dict(value)
        case list():
            return [_plain(x) for x in value]
        case dict():
            return {name: _plain(x) for name, x in value.items()}
    return value


_NOT_CODE = re.compile(
    r"'(?:\\.|[^'\\])*' | \"(?:\\.|[^\"\\])*\" | `(?:``|[^`])*` | //[^\n]* | /\*.*?\*/",
    re.VERBOSE | re.DOTALL,
)
_WRITING = re.compile(
    r"(?<![:$\w]) (?<![A-Za-z_)\]]\.)"  # no label, parameter, property or part of a name;
    r"(CREATE|MERGE|SET|DELETE|DETACH|REMOVE|INSERT|DROP|ALTER|FOREACH|LOAD|TERMINATE|GRANT|REVOKE|DENY"
    r"|CALL (?!\s*[{(]|\s+(?:db\.(?:labels|relationshipTypes|propertyKeys|schema\.\w+)|dbms\.components)\b)"
    r") (?!\w|\s*:) | \\",  # a backslash outside strings can spell a clause as Unicode escapes
    re.VERBOSE | re.IGNORECASE,
)


def writing_clause(statement: str) -> str | None:
    """The first clause of a Cypher statement that may write, in capitals, or None."""
    found = _WRITING.search(_NOT_CODE.sub(" '' ", statement))
    return found[0].upper() if found else None
