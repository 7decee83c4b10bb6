"""The graph store on a server that speaks Bolt: Neo4j 5 or ArcadeDB. Only this folder contains Cypher."""

from kg.store.bolt_read import BoltReads
from kg.store.bolt_runs import BoltRuns
from kg.store.bolt_write import BoltPrivacy, BoltWrites
from kg.store.store import ServerStore


class BoltGraphStore(BoltReads, BoltWrites, BoltPrivacy, BoltRuns, ServerStore):
    """A property graph on a server that speaks Bolt; connects when first used, and is a context manager."""
