"""`trailmix bench`: measurements that anyone can repeat."""

import typer

from scripts import bench_ingest

app = typer.Typer(no_args_is_help=True, help="Measure Trailmix beside a named baseline.")
app.command("ingest")(bench_ingest.command)


@app.callback()
def group() -> None:
    """A group even while it has one command."""
