"""Which graph server to use: the one that the settings name, or the one Trailmix starts by itself."""

from kg.settings import Settings
from kg.store.bolt_store import BoltGraphStore
from kg.store.connection import Connection
from kg.store.store import ServerStore


def open_store(settings: Settings) -> ServerStore:
    """The graph store of these settings, known to answer; close it, or use it in a `with` statement.

    With `neo4j_uri` that server is used; without, the server of `graph_folder`, started if it does not run.

    Raises:
        GraphUnavailableError: the named server does not answer or refuses the login.
        GraphServerError: the server of our own could not be started.
    """
    store = store_at(_connection(settings))
    try:
        store.info()
    except BaseException:
        store.close()
        raise
    return store


def store_at(connection: Connection) -> ServerStore:
    """The graph store on that server; it connects when first used.

    Raises:
        GraphUnavailableError: the driver cannot use such an address.
    """
    return BoltGraphStore(connection)


def _connection(settings: Settings) -> Connection:
    if settings.neo4j_uri:
        return Connection(
            settings.neo4j_uri, settings.neo4j_username, settings.neo4j_password, settings.neo4j_database
        )
    from kg.store.servers import control  # only now: not needed beside a server of someone else's

    return control.start(settings).connection
