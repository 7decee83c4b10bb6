"""`trailmix graph`: the graph server that Trailmix starts by itself, and Cypher on whichever is used."""

import json as jsonlib
import sys
from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from kg.errors import GraphSchemaError, GraphUnavailableError, SettingsError
from kg.settings import Settings, load_settings
from kg.store.connect import open_store
from kg.store.graph_hash import graph_content
from kg.store.servers import control
from kg.store.servers.control import RunningServer
from scripts.parameters import Parameters, parsed_parameters
from scripts.progress import reporting

EXIT_NOT_RUNNING = 1


def start(
    engine: Annotated[
        Literal["arcadedb", "neo4j"] | None,
        typer.Option("--engine", help="The default is the engine of the last start, arcadedb at first."),
    ] = None,
    bolt_port: Annotated[
        int | None, typer.Option("--bolt-port", min=1, max=65535, help="The port of the Bolt protocol.")
    ] = None,
    http_port: Annotated[
        int | None, typer.Option("--http-port", min=1, max=65535, help="The port of HTTP.")
    ] = None,
    heap: Annotated[str | None, typer.Option("--heap", help="The heap of the JVM, such as 2g.")] = None,
    fast: Annotated[
        bool | None,
        typer.Option("--fast/--no-fast", help="Start sooner and work slower; this is meant for tests."),
    ] = None,
) -> None:
    """Start the graph server of this home folder; it keeps running after this command ends.

    Example: trailmix graph start --engine neo4j --http-port 7474
    """
    settings = _own_server()
    with reporting() as report, report.during("graph server"):
        server = control.start(
            settings, engine, bolt_port=bolt_port, http_port=http_port, heap=heap, fast=fast
        )
    for key, value in _described(server).items():
        print(f"{key.replace('_', ' '):>14}  {value}")


def stop() -> None:
    """Stop the graph server of this home folder; its data stay.

    Example: trailmix graph stop
    """
    print("stopped" if control.stop(_own_server()) else "no graph server was running")


def status(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which graph server is used and what it holds; the exit code is 1 if none runs.

    Example: trailmix graph status --json
    """
    found = _status(load_settings())
    if json:
        print(jsonlib.dumps(found, indent=2))
    else:
        for key, value in found.items():
            print(f"{key.replace('_', ' '):>14}  {value}")
    if not found["running"]:
        raise typer.Exit(EXIT_NOT_RUNNING)


def cypher(
    statement: Annotated[str, typer.Argument(help="A Cypher statement; - reads it from standard input.")],
    param: Parameters = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a record.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Let the statement change the graph.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="The time limit in seconds.")] = 30.0,
) -> None:
    """Run Cypher on the graph; it only reads unless --write is given.

    Example: trailmix graph cypher "MATCH (m:Movie {id: $id}) RETURN m.title" --param id=m1
    """
    text = sys.stdin.read() if statement == "-" else statement
    with open_store(load_settings()) as store:
        records = store.query(text, parsed_parameters(param), timeout=timeout, write=write)
    for record in records:
        shown = [jsonlib.dumps(x, ensure_ascii=False, default=str) for x in record.values()]
        print(jsonlib.dumps(record, ensure_ascii=False, default=str) if json else "  ".join(shown))


def content_hash(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print a hash of what the graph holds, except provenance; it is the same on any engine.

    Example: trailmix graph hash --json
    """
    with reporting() as report, open_store(load_settings()) as store:
        found = graph_content(store, report)
    print(jsonlib.dumps(asdict(found)) if json else found.hash)


def _own_server() -> Settings:
    """The settings, unless they name a server that Trailmix does not start."""
    settings = load_settings()
    if settings.neo4j_uri:
        raise SettingsError("NEO4J_URI is set, so that server is used; unset it to use one of Trailmix's own")
    return settings


def _described(server: RunningServer) -> dict[str, Any]:
    connection = server.connection
    described = {
        "engine": server.state.engine,
        "bolt": connection.uri,
        "user": connection.username,
        "password_file": str(server.folder.password_file),
        "database": connection.database,
    }
    return described | ({"browser": server.browser} if server.browser else {})


def _status(settings: Settings) -> dict[str, Any]:
    server = None if settings.neo4j_uri else control.status(settings)
    if server is None and not settings.neo4j_uri:
        return {"running": False}
    found = {"running": True, **(_described(server) if server else {})}
    try:
        with open_store(settings) as store:
            info = store.info()
            found |= {"engine": info.engine, "version": info.version, "bolt": store.connection.address}
            counts = store.counts()
            return found | {"nodes": sum(counts.nodes.values()), "relations": sum(counts.relations.values())}
    except GraphSchemaError:
        return found | {"nodes": 0, "relations": 0}
    except GraphUnavailableError as error:
        return {"running": False, "reason": str(error)}
