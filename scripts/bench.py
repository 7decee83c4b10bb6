"""`trailmix bench`: measurements that anyone can repeat."""

import typer

from scripts import bench_ablation, bench_ingest, bench_kge, bench_load, bench_recommend, bench_scale

app = typer.Typer(no_args_is_help=True, help="Measure Trailmix beside a named baseline.")
app.command("ingest")(bench_ingest.command)
app.command("load")(bench_load.command)
app.command("kge")(bench_kge.command)
app.command("recommend")(bench_recommend.command)
app.command("scale")(bench_scale.command)
app.command("ablation")(bench_ablation.command)


@app.callback()
def group() -> None:
    """Each command measures one thing."""
