"""Statements of an administrator, run within bounds of time and rows in a transaction that is rolled back.

Neo4j refuses writes in a read session, ends a transaction at its time limit, and says by EXPLAIN what a
statement does. ArcadeDB 26 does none of the three: `read_check` refuses what may write, the rollback undoes
what it might have overlooked, and a statement that is over its bounds is ended by TERMINATE TRANSACTIONS.
"""

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from neo4j import AsyncDriver, AsyncGraphDatabase, ResultSummary
from neo4j.exceptions import AuthError, ClientError, DatabaseError, Neo4jError, TransientError

from kg.errors import StatementRefusedError
from kg.store.address import check_address
from kg.store.bolt import DRIVER_OPTIONS, translated
from kg.store.connection import Connection
from kg.store.records import BoundedRead

_FETCH = 5_000
"""Rows that the driver asks for at a time."""
_GRACE = 2.0
"""Seconds that the engine has, beyond the limit, to end a statement by itself."""

_WRITING_OPERATOR = re.compile(
    r"Create|Merge|Set(?!Operator)|Delete|Remove|Foreach|LoadCSV|Lock|Drop|Alter|Grant|Revoke|Deny|Command"
)


def bounded_read(
    connection: Connection,
    statement: str,
    parameters: Mapping[str, Any],
    *,
    timeout: float,
    max_rows: int,
) -> BoundedRead:
    """The rows of a statement that `read_check.check_read` accepted.

    Raises:
        StatementRefusedError: it failed, wrote, or went over a bound; it does not go on.
        GraphUnavailableError: no server answers, or it refuses the login.
    """
    check_address(connection)
    running = _Bounded(connection, statement, dict(parameters), timeout, max_rows)
    with translated(connection):
        return asyncio.run(running.read())


def explained(
    connection: Connection,
    statement: str,
    parameters: Mapping[str, Any],
    *,
    timeout: float,
    procedures: Collection[str] = (),
) -> None:
    """Let the engine compile a statement, and check what it says that it would do.

    Raises:
        StatementRefusedError: the engine does not accept it, or it would write or call a procedure that is
            not one of `procedures`.
        GraphUnavailableError: no server answers, or it refuses the login.
    """
    check_address(connection)
    running = _Bounded(connection, f"EXPLAIN {statement}", dict(parameters), timeout, 0)
    with translated(connection):
        summary = asyncio.run(running.summary())
    if "ArcadeDB" in (summary.server.agent or "") or summary.plan is None:
        return  # its EXPLAIN calls every statement a writing one, and names no operator of a write
    if summary.query_type != "r":
        raise StatementRefusedError(f"the engine says that it would write (type {summary.query_type})")
    _check_plan(summary.plan, {x.lower() for x in procedures})


def _check_plan(plan: Mapping[str, Any], procedures: Collection[str]) -> None:
    operator = str(plan.get("operatorType", "")).partition("@")[0]
    if _WRITING_OPERATOR.search(operator):
        raise StatementRefusedError(f"the engine would execute {operator}, which a reading statement has not")
    if operator.startswith("ProcedureCall"):
        name = str(plan.get("args", {}).get("Details", "")).partition("(")[0].strip()
        if name.lower() not in procedures:
            raise StatementRefusedError(f"it may not call the procedure {name}")
    for child in plan.get("children", ()):
        _check_plan(child, procedures)


class _OverBoundError(Exception):
    """The statement is over a bound, and has to be ended."""


@dataclass
class _Bounded:
    connection: Connection
    statement: str
    parameters: dict[str, Any]
    timeout: float
    max_rows: int

    def __post_init__(self) -> None:
        # the mark finds the statement among those that the engine executes
        self.mark = f"trailmix-{uuid.uuid4().hex}"
        self.marked = f"{self.statement}\n/* {self.mark} */"

    async def read(self) -> BoundedRead:
        began = time.monotonic()
        try:
            columns, rows = await asyncio.wait_for(self._rows(), self.timeout + _GRACE)
        except (TimeoutError, _OverBoundError) as error:
            await self._terminate()
            why = str(error) or f"it was ended after {self.timeout:g} s"
            raise StatementRefusedError(f"{why}; narrow it, or add LIMIT") from None
        except AuthError:
            raise  # no fault of the statement, though a client error to the driver
        except (ClientError, DatabaseError, TransientError) as error:
            raise _refused(error, self.timeout) from None
        return BoundedRead(columns, rows, time.monotonic() - began)

    async def summary(self) -> ResultSummary:
        async with self._driver() as driver, driver.session(**self._session) as session:
            try:
                result = await session.run(self.statement, self.parameters)
                return await asyncio.wait_for(result.consume(), self.timeout + _GRACE)
            except TimeoutError:
                session.cancel()
                raise StatementRefusedError(f"it was not compiled in {self.timeout:g} s") from None
            except AuthError:
                raise
            except (ClientError, DatabaseError) as error:
                raise _refused(error, self.timeout) from None

    async def _rows(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        async with self._driver() as driver, driver.session(**self._session) as session:
            try:
                transaction = await session.begin_transaction(timeout=self.timeout)
                result = await transaction.run(self.marked, self.parameters)
                rows: list[tuple[Any, ...]] = []
                async for record in result:
                    rows.append(tuple(record.values()))
                    if len(rows) > self.max_rows:
                        raise _OverBoundError(f"it returns more than {self.max_rows:,} rows")
                columns, summary = tuple(result.keys()), await result.consume()
                await transaction.rollback()
            except BaseException:
                session.cancel()  # a rollback would wait for the rows that nobody wants
                raise
        if summary.counters.contains_updates or summary.counters.contains_system_updates:
            raise StatementRefusedError("it wrote, which was rolled back; it may only read")
        return columns, rows

    async def _terminate(self) -> None:
        """End the statement, as far as the engine still executes it."""
        async with self._driver() as driver, driver.session(database=self.connection.database) as session:
            with contextlib.suppress(Neo4jError):
                shown = (
                    "SHOW TRANSACTIONS YIELD transactionId, currentQuery RETURN transactionId, currentQuery"
                )
                found = [
                    record["transactionId"]
                    async for record in await session.run(shown)
                    if self.mark in (record["currentQuery"] or "")
                ]
                if found:
                    await (await session.run("TERMINATE TRANSACTIONS $ids", ids=found)).consume()

    def _driver(self) -> AsyncDriver:
        return AsyncGraphDatabase.driver(self.connection.uri, auth=self.connection.auth, **DRIVER_OPTIONS)

    @property
    def _session(self) -> dict[str, Any]:
        return {
            "database": self.connection.database,
            "default_access_mode": "READ",
            "fetch_size": _FETCH,
        }


def _refused(error: Neo4jError, timeout: float) -> StatementRefusedError:
    code, message = error.code or "", " ".join((error.message or "").split())
    if "TimedOut" in code or "Terminated" in code:
        return StatementRefusedError(f"it was ended after {timeout:g} s; narrow it, or add LIMIT")
    return StatementRefusedError(f"{code.rpartition('.')[2] or 'the engine failed'}: {message[:500]}")
