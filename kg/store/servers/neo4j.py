"""Neo4j Community without Docker: from NEO4J_HOME, or downloaded from Maven Central.

The command runs the main class directly, so that the server is a single process. The server then does not
read heap size and JVM flags from its configuration, so they are set here.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from kg.errors import GraphServerError
from kg.settings import Settings
from kg.store.servers.process import HOST, ServerFolder, ServerState

USERNAME = "neo4j"
DATABASE = "neo4j"
HEAP = "512m"
"""The default JVM heap; with the page cache of 256 MB it suits a machine with 4 GB."""

VERSION = "5.26.30"
OLDEST_JAVA = 17
POM = Path(__file__).with_name("pom.xml")

# The JVM flags of the distribution without those for profiling.
_JVM_FLAGS = [
    "-XX:+UseG1GC",
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:+UnlockExperimentalVMOptions",
    "-XX:+TrustFinalNonStaticFields",
    "-XX:+DisableExplicitGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djdk.nio.maxCachedBufferSize=1024",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dlog4j2.disable.jmx=true",
    "-Dfile.encoding=UTF-8",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
]


def command(settings: Settings, folder: ServerFolder, state: ServerState) -> list[str]:
    """The command line of the server; first prepares its jars, configuration and initial password.

    Raises:
        GraphServerError: Java or Maven is missing or too old, or the download failed.
    """
    java = find_java(settings)
    home, data = jars(settings), folder.data("neo4j")
    for name in ("conf", "data", "import", "logs", "plugins", "run"):
        (data / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    (data / "conf/neo4j.conf").write_text(configuration(state))
    if not (data / "data/dbms").exists():
        _set_first_password(java, home, data, folder.password_file)
    return [
        *(java, f"-Xms{state.heap}", f"-Xmx{state.heap}", *_JVM_FLAGS),
        *(["-XX:TieredStopAtLevel=1"] if state.fast else []),
        *("-cp", f"{home}/*", "org.neo4j.server.CommunityEntryPoint"),
        *(f"--home-dir={data}", f"--config-dir={data}/conf"),
    ]


def configuration(state: ServerState) -> str:
    """The text of neo4j.conf; Neo4j does not start with an unknown or repeated setting."""
    lines = {
        "server.default_listen_address": HOST,
        "server.default_advertised_address": HOST,
        "server.bolt.listen_address": f"{HOST}:{state.bolt_port}",
        "server.bolt.advertised_address": f"{HOST}:{state.bolt_port}",
        "server.http.listen_address": f"{HOST}:{state.http_port}",
        "server.http.advertised_address": f"{HOST}:{state.http_port}",
        "server.https.enabled": "false",
        "server.memory.pagecache.size": "256m",
        # otherwise a new database preallocates a log of 256 MB
        "db.tx_log.preallocate": "false",
        "db.tx_log.rotation.retention_policy": "keep_none",
        # no reports to the vendor, from the server or from Browser
        "dbms.usage_report.enabled": "false",
        "server.bolt.telemetry.enabled": "false",
        "client.allow_telemetry": "false",
        # in whole seconds; by default, stopping waits for ten idle seconds
        "internal.dbms.bolt.netty_server_shutdown_quiet_period": "0",
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def find_java(settings: Settings) -> str:
    """The java of JAVA_HOME, or the one on the PATH.

    Raises:
        GraphServerError: Java is missing or too old.
    """
    java = str(settings.java_home / "bin/java") if settings.java_home else shutil.which("java")
    wanted = f"Neo4j {VERSION} needs Java 17 or 21: install it or set JAVA_HOME"
    if java is None or not Path(java).exists():
        raise GraphServerError(f"no java found; {wanted}")
    banner = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603
    found = re.search(r'version "(\d+)', banner)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise GraphServerError(f"{java} is {banner.partition(chr(10))[0] or 'no Java'}; {wanted}")
    return java


def jars(settings: Settings) -> Path:
    """The folder of the server's jars: that of NEO4J_HOME, or a download that all graphs share.

    Raises:
        GraphServerError: NEO4J_HOME contains no jars, Maven is missing, or the download failed.
    """
    if settings.neo4j_home:
        home = settings.neo4j_home.absolute() / "lib"
        if not any(home.glob("neo4j-server-*.jar")):
            raise GraphServerError(f"NEO4J_HOME={settings.neo4j_home} holds no lib/neo4j-server-*.jar")
        return home
    home = settings.cache_folder / f"neo4j-{VERSION}"
    if not home.exists():
        _assemble(home)
    return home


def _assemble(home: Path) -> None:
    """Download the jars from Maven Central (140 MB, a minute) to a folder beside `home`, then rename it."""
    maven = shutil.which("mvn")
    if maven is None:
        raise GraphServerError(f"no mvn found to assemble Neo4j {VERSION}; install Maven, or set NEO4J_HOME")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{home.name}-", dir=home.parent) as draft:
        copy = [
            maven,
            "-B",
            "-q",
            "-f",
            str(POM),
            "dependency:copy-dependencies",
            f"-Dneo4j.version={VERSION}",
        ]
        done = subprocess.run(  # noqa: S603
            [*copy, f"-DoutputDirectory={draft}/lib"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise GraphServerError(f"mvn could not assemble Neo4j {VERSION}: {_first_error(done.stdout)}")
        try:
            Path(draft, "lib").rename(home)
        except OSError:
            if not home.exists():  # otherwise another command has downloaded the same jars
                raise


def _first_error(log: str) -> str:
    return next((line for line in log.splitlines() if "ERROR" in line), "it said nothing")


def _set_first_password(java: str, home: Path, data: Path, password_file: Path) -> None:
    # @FILE: the program reads its argument from the file, so that the process list does not show the password
    program = [java, *_JVM_FLAGS, "-cp", f"{home}/*", "org.neo4j.cli.AdminTool"]
    done = subprocess.run(  # noqa: S603
        [*program, "dbms", "set-initial-password", f"@{password_file}"],
        env={"NEO4J_HOME": str(data), "NEO4J_CONF": str(data / "conf")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GraphServerError(f"Neo4j did not take its first password: {done.stderr.strip()}")
