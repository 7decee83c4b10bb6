"""`trailmix graph`: the graph server that Trailmix starts by itself, and Cypher on whichever is used."""

import json as jsonlib
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from kg.settings import Settings
    from kg.store.servers.control import RunningServer

app = typer.Typer(help="Start, stop and query the graph.", no_args_is_help=True)

EXIT_NOT_RUNNING = 1


@app.command("start")
def start(
    engine: Annotated[
        Literal["arcadedb", "neo4j"] | None,
        typer.Option("--engine", help="As last time; at first arcadedb."),
    ] = None,
    bolt_port: Annotated[int | None, typer.Option("--bolt-port", min=1, max=65535)] = None,
    http_port: Annotated[int | None, typer.Option("--http-port", min=1, max=65535)] = None,
    heap: Annotated[str | None, typer.Option("--heap", help="Memory for the JVM, e.g. 2g.")] = None,
    fast: Annotated[
        bool | None, typer.Option("--fast/--no-fast", help="Starts sooner, works slower: for tests.")
    ] = None,
) -> None:
    """Start the graph server of this home folder; it goes on when this command has ended.

    Example: trailmix graph start --engine neo4j --http-port 7474
    """
    from kg.store.servers import control

    server = control.start(
        _own_server(), engine, bolt_port=bolt_port, http_port=http_port, heap=heap, fast=fast
    )
    for key, value in _described(server).items():
        print(f"{key.replace('_', ' '):>14}  {value}")


@app.command("stop")
def stop() -> None:
    """Stop the graph server of this home folder; its data stay.

    Example: trailmix graph stop
    """
    from kg.store.servers import control

    print("stopped" if control.stop(_own_server()) else "no graph server was running")


@app.command("status")
def status(json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Say which graph server is used and what it holds; exit code 1 if none runs.

    Example: trailmix graph status --json
    """
    from kg.settings import load_settings

    found = _status(load_settings())
    if json:
        print(jsonlib.dumps(found, indent=2))
    else:
        for key, value in found.items():
            print(f"{key.replace('_', ' '):>14}  {value}")
    if not found["running"]:
        raise typer.Exit(EXIT_NOT_RUNNING)


@app.command("cypher")
def cypher(
    statement: Annotated[str, typer.Argument(help="One Cypher statement, or - for standard input.")],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", help="name=value; JSON, else a string. Ids are strings: id='\"15\"'."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a record.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Let the statement change the graph.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds.", min=0.1)] = 30.0,
) -> None:
    """Run Cypher on the graph; only reading, unless --write is given.

    Example: trailmix graph cypher "MATCH (m:Movie {id: $id}) RETURN m.title" --param id=m1
    """
    from kg.settings import load_settings
    from kg.store.connect import open_store

    text = sys.stdin.read() if statement == "-" else statement
    with open_store(load_settings()) as store:
        records = store.query(text, _parameters(param or []), timeout=timeout, write=write)
    for record in records:
        shown = [jsonlib.dumps(x, ensure_ascii=False, default=str) for x in record.values()]
        print(jsonlib.dumps(record, ensure_ascii=False, default=str) if json else "  ".join(shown))


@app.command("hash")
def content_hash(json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Print a hash of all that the graph holds, provenance aside; equal content, equal hash, on any engine.

    Example: trailmix graph hash --json
    """
    from dataclasses import asdict

    from kg.settings import load_settings
    from kg.store.connect import open_store
    from kg.store.graph_hash import graph_content
    from scripts.progress import reporting

    with open_store(load_settings()) as store, reporting() as report:
        found = graph_content(store, report)
    print(jsonlib.dumps(asdict(found)) if json else found.hash)


def _own_server() -> "Settings":
    """The settings, if they leave the server to us."""
    from kg.errors import SettingsError
    from kg.settings import load_settings

    settings = load_settings()
    if settings.neo4j_uri:
        raise SettingsError("NEO4J_URI is set, so that server is used; unset it to use one of Trailmix's own")
    return settings


def _described(server: "RunningServer") -> dict[str, Any]:
    connection = server.connection
    described = {
        "engine": server.state.engine,
        "bolt": connection.uri,
        "user": connection.username,
        "password_file": str(server.folder.password_file),
        "database": connection.database,
    }
    return described | ({"browser": server.browser} if server.browser else {})


def _status(settings: "Settings") -> dict[str, Any]:
    from kg.errors import GraphSchemaError, GraphUnavailableError
    from kg.store.connect import open_store
    from kg.store.servers import control

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


def _parameters(given: list[str]) -> dict[str, Any]:
    """`name=value` pairs; a value that is no JSON is a string."""
    from kg.errors import UsageError

    parameters: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise UsageError(f"--param {pair!r} is not name=value")
        try:
            parameters[name] = jsonlib.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters
