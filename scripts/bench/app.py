"""`trailmix bench`: measurements that anyone can repeat."""

import typer

from scripts.bench import ablation as bench_ablation
from scripts.bench import ingest as bench_ingest
from scripts.bench import kge as bench_kge
from scripts.bench import load as bench_load
from scripts.bench import recommend as bench_recommend
from scripts.bench import scale as bench_scale

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
