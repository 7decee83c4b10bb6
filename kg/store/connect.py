"""Selects the graph server: the one that the settings name, or the one that Trailmix manages."""

from kg.errors import GraphUnavailableError
from kg.settings import Settings
from kg.store.bolt_store import BoltGraphStore
from kg.store.connection import Connection
from kg.store.store import ServerStore


def open_store(settings: Settings) -> ServerStore:
    """Connect to the graph store of these settings; close it, or use it in a `with` statement.

    With `neo4j_uri` it uses that server, otherwise the server of `graph_folder`, which it starts if needed.

    Raises:
        GraphUnavailableError: the named server does not answer or refuses the login.
        GraphServerError: the server of `graph_folder` could not be started.
    """
    store = store_at(_connection(settings))
    try:
        store.info()
    except BaseException:
        store.close()
        raise
    return store


def open_running_store(settings: Settings) -> ServerStore:
    """As `open_store`, but the server of `graph_folder` is not started.

    Raises:
        GraphUnavailableError: no server answers, or it refuses the login.
    """
    from kg.store.servers import control

    if not settings.neo4j_uri and control.status(settings) is None:
        raise GraphUnavailableError("no graph server runs; run trailmix graph start")
    return open_store(settings)


def store_at(connection: Connection) -> ServerStore:
    """The graph store on that server; it connects when first used.

    Raises:
        GraphUnavailableError: the driver does not accept the address.
    """
    return BoltGraphStore(connection)


def _connection(settings: Settings) -> Connection:
    if settings.neo4j_uri:
        return Connection(
            settings.neo4j_uri, settings.neo4j_username, settings.neo4j_password, settings.neo4j_database
        )
    from kg.store.servers import control  # imported here: not needed for an external server

    return control.start(settings).connection
