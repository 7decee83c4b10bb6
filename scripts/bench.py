"""`trailmix bench`: measurements that anyone can repeat."""

import typer

from scripts import bench_ingest, bench_load

app = typer.Typer(no_args_is_help=True, help="Measure Trailmix beside a named baseline.")
app.command("ingest")(bench_ingest.command)
app.command("load")(bench_load.command)
