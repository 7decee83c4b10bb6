"""The `trailmix` command: its subcommands, and the one place where errors become exit codes."""

import os
import sys

import typer

from kg.errors import TrailmixError, UsageError
from kg.settings import load_settings
from scripts import (
    enrich,
    evaluate,
    export,
    graph,
    ingest,
    quickstart,
    recommend,
    sample,
    serve,
    train,
    user,
)
from scripts.bench import app as bench
from scripts.logs import configure_logs

EXIT_FAILED = 1
EXIT_USAGE = 2

app = typer.Typer(
    name="trailmix",
    help="Recommendations that show their trail.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("quickstart")(quickstart.command)
app.command("sample")(sample.command)
app.command("ingest", cls=ingest.WithUndo)(ingest.command)
app.add_typer(graph.app, name="graph")
app.command("train")(train.command)
app.command("evaluate")(evaluate.command)
app.command("recommend")(recommend.command)
app.command("serve")(serve.command)
app.add_typer(user.app, name="user")
app.add_typer(export.app, name="export")
app.add_typer(enrich.app, name="enrich")
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command line; a TrailmixError is one line on stderr and an exit code, never a traceback."""
    # Read by torch when it is loaded. Threads that wait should sleep: where they spin beside other work
    # on two cores, the text encoder does 26 texts/s instead of 93.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        configure_logs(load_settings().log_level or "WARNING")
        app()
    except UsageError as error:
        _fail(error, EXIT_USAGE)
    except TrailmixError as error:
        _fail(error, EXIT_FAILED)


def _fail(error: TrailmixError, code: int) -> None:
    print(f"trailmix: {error}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
