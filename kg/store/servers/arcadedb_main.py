"""The process of the embedded ArcadeDB server: FOLDER BOLT_PORT HTTP_PORT HEAP [fast].

`trailmix graph start` starts this module, and SIGTERM ends it; users do not call it.
"""

import os
import signal
import sys
from pathlib import Path

from arcadedb_embedded.server import ArcadeDBServer

from kg.store.servers.arcadedb import DATABASE
from kg.store.servers.process import HOST, ServerFolder

STATEMENT_TIME_LIMIT_MS = 300_000
MESSAGE_LIMIT = 256 * 1024 * 1024


def main(folder: ServerFolder, bolt_port: int, http_port: int, heap: str, fast: bool) -> None:
    """Serve until SIGTERM."""
    data = folder.data("arcadedb")
    os.chdir(data)  # ArcadeDB writes ./log despite its configuration
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # every thread of the JVM inherits it
    server = ArcadeDBServer(
        str(data),
        folder.password().get_secret_value(),
        {
            "host": HOST,
            "http_port": http_port,
            "bolt_port": bolt_port,
            "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            "mode": "development",  # production mode hides why a statement was refused
            "bolt_maxMessageSize": MESSAGE_LIMIT,  # a batch with long texts exceeds the default of 16 MB
        },
        jvm_kwargs={"heap_size": heap, "jvm_args": _jvm_flags(fast)},
    )
    server.start()
    server.create_database(DATABASE)
    signal.sigwait(ending)
    server.stop()


def _jvm_flags(fast: bool) -> list[str]:
    return [
        "-XX:+UseParallelGC",  # loads the sample in 49 s; with G1, the default, it took 71 to 109 s
        "-Xrs",  # otherwise the JVM handles SIGTERM and ends without closing the database
        # further settings of production mode
        *("-Darcadedb.txWalFlush=1", "-Darcadedb.opencypher.loadCsv.allowFileUrls=false"),
        # ArcadeDB continues a statement after its client disconnects and ignores the driver's time limit; it
        # obeys this limit, but only as a JVM property, not in the server configuration
        f"-Darcadedb.command.timeout={STATEMENT_TIME_LIMIT_MS}",
        *(["-XX:TieredStopAtLevel=1"] if fast else []),
    ]


if __name__ == "__main__":
    path, bolt, http, heap, *rest = sys.argv[1:]
    main(ServerFolder(Path(path)), int(bolt), int(http), heap, "fast" in rest)
