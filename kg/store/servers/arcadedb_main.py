"""The process of the embedded ArcadeDB server: FOLDER BOLT_PORT HTTP_PORT HEAP [fast].

Not a command for people; `trailmix graph start` starts it and SIGTERM ends it.
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
    os.chdir(data)  # ArcadeDB writes ./log whatever it is told
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
            "bolt_maxMessageSize": MESSAGE_LIMIT,  # a batch of nodes with long texts passes its 16 MB
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
        "-Xrs",  # or the JVM takes SIGTERM for itself and ends without closing the database
        # what production mode sets besides
        *("-Darcadedb.txWalFlush=1", "-Darcadedb.opencypher.loadCsv.allowFileUrls=false"),
        # ArcadeDB goes on with a statement whose client is gone and ignores the driver's time limit; this one
        # it keeps, but only as a property of the JVM, not from the server's configuration
        f"-Darcadedb.command.timeout={STATEMENT_TIME_LIMIT_MS}",
        *(["-XX:TieredStopAtLevel=1"] if fast else []),
    ]


if __name__ == "__main__":
    path, bolt, http, heap, *rest = sys.argv[1:]
    main(ServerFolder(Path(path)), int(bolt), int(http), heap, "fast" in rest)
