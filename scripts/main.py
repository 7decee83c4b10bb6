"""The `trailmix` command: its subcommands, and the one place where errors become exit codes."""

import os
import sys
import time

from kg.errors import TrailmixError, UsageError
from kg.shown import printable
from scripts.lazy import Command, Group, lazy_app

EXIT_FAILED = 1
EXIT_USAGE = 2

COMMANDS = Group(
    "Recommendations that show their trail.",
    {
        "quickstart": Command(
            "scripts.quickstart:command",
            "Load the sample into the graph, train, evaluate, and show recommendations with their paths.",
        ),
        "sample": Command(
            "scripts.sample:command", "Write the sample data set as CSV files with their mapping file."
        ),
        "ingest": Command(
            "scripts.ingest:app",
            "Load the files that a mapping file describes into the graph; running it again changes nothing.",
        ),
        "graph": Group(
            "Start, stop and query the graph.",
            {
                "start": Command(
                    "scripts.graph:start",
                    "Start the graph server of this home folder; it keeps running after this command ends.",
                ),
                "stop": Command(
                    "scripts.graph:stop", "Stop the graph server of this home folder; its data stay."
                ),
                "status": Command(
                    "scripts.graph:status",
                    "Say which graph server is used and what it holds; the exit code is 1 if none runs.",
                ),
                "cypher": Command(
                    "scripts.graph:cypher", "Run Cypher on the graph; it only reads unless --write is given."
                ),
                "hash": Command(
                    "scripts.graph:content_hash",
                    "Print a hash of what the graph holds, except provenance; it is the same on any engine.",
                ),
            },
        ),
        "train": Command(
            "scripts.train:command",
            "Train a model on the graph, measure it beside baselines, and make it the one in use.",
        ),
        "evaluate": Command(
            "scripts.evaluate:command",
            "Measure the model and baselines on the same splits; every item is ranked.",
        ),
        "recommend": Command(
            "scripts.recommend:command", "Recommend items to a user, each with the path that explains it."
        ),
        "serve": Command("scripts.serve:command", "Serve recommendations over HTTP until SIGTERM or Ctrl-C."),
        "models": Group(
            "Show the trained models, and change which is in use.",
            {
                "list": Command(
                    "scripts.models:list_models",
                    "List the trained models, oldest first, with what each was measured at; * is in use.",
                ),
                "activate": Command(
                    "scripts.models:activate",
                    "Make a trained model the one in use; a running service answers by it a moment later.",
                ),
                "rollback": Command("scripts.models:rollback", "Use the model again that was in use before."),
            },
        ),
        "rules": Group(
            "Show and change the rules that allow, deny, boost or pin items by queries of the graph.",
            {
                "list": Command(
                    "scripts.rules:list_rules",
                    "List the rules with how many items each has and since when it could not be evaluated.",
                ),
                "put": Command(
                    "scripts.rules:put",
                    "Check and evaluate a rule, then store it; a running service obeys it a moment later.",
                ),
                "show": Command(
                    "scripts.rules:show", "Print a rule as JSON, with what its query returned last."
                ),
                "remove": Command("scripts.rules:remove", "Remove a rule."),
                "check": Command("scripts.rules:check", "Say what a rule would return, without storing it."),
                "refresh": Command(
                    "scripts.rules:refresh",
                    "Evaluate a rule now, or all of them; a running service obeys it a moment later.",
                ),
            },
        ),
        "events": Group(
            "Show the events that the service accepted, and deliver refused ones again.",
            {
                "list": Command(
                    "scripts.events:list_events",
                    "List accepted events, newest first, with the reasons of those that the graph refused.",
                ),
                "replay": Command(
                    "scripts.events:replay",
                    "Let a running service deliver refused events again, once their cause is mended.",
                ),
            },
        ),
        "user": Group(
            "Show or forget all that is stored of a user.",
            {
                "export": Command("scripts.user:export", "Print all that is stored of a user, as JSON."),
                "forget": Command(
                    "scripts.user:forget",
                    "Remove a user with all events, and the snapshots and models that hold them.",
                ),
            },
        ),
        "export": Group(
            "Write the whole graph as files for other programs.",
            {
                "neo4j-admin": Command(
                    "scripts.export:neo4j_admin",
                    "Write CSV files for `neo4j-admin database import full`, and the command.",
                ),
                "recbole": Command(
                    "scripts.export:recbole",
                    "Write RecBole's atomic files; the folder's name is that of the data set.",
                ),
                "parquet": Command(
                    "scripts.export:parquet", "Write a Parquet file for each label and each type."
                ),
            },
        ),
        "enrich": Group(
            "Add relations that are found in the items' texts; models ignore them unless asked.",
            {
                "similar": Command(
                    "scripts.enrich:similar",
                    "Join each item to those with the most similar texts: SIMILAR_TO, with the cosine.",
                ),
                "text-entities": Command(
                    "scripts.enrich:text_entities",
                    "Join items to the entities that their texts name: MENTIONS_PERSON, ..., with evidence.",
                ),
            },
        ),
        "bench": Group(
            "Measure Trailmix beside a named baseline.",
            {
                "ingest": Command(
                    "scripts.bench.ingest:command",
                    "Measure how many relations a second the store writes, beside a bare loop of the driver.",
                ),
                "load": Command(
                    "scripts.bench.load:command",
                    "Write synthetic files like those of MovieLens 1M and time `trailmix ingest` on them.",
                ),
                "kge": Command(
                    "scripts.bench.kge:command",
                    "Train each knowledge-graph embedding and rank held-out facts among all entities.",
                ),
                "recommend": Command(
                    "scripts.bench.recommend:command",
                    "Time recommendations by the latest model in this process, with paths and without.",
                ),
                "filters": Command(
                    "scripts.bench.filters:command",
                    "Time recommendations by the latest model without a filter and with one, in turn, without"
                    " paths.",
                ),
                "serve": Command(
                    "scripts.bench.serve:command",
                    "Drive the service and an empty Flask route in turn; compare their rates and latencies.",
                ),
                "scale": Command(
                    "scripts.bench.scale:command",
                    "Train on synthetic graphs of growing size and measure time and memory of each stage.",
                ),
                "similar": Command(
                    "scripts.bench.similar:command",
                    "Rank items by similarity to an item, and look for those that hidden users like too.",
                ),
                "published": Command(
                    "scripts.bench.published:command",
                    "Measure on a data folder of KGAT's layout beside the figures that papers published.",
                ),
                "ablation": Command(
                    "scripts.bench.ablation:command",
                    "Train the model with and without each of its parts and measure all on the same trials.",
                ),
            },
        ),
    },
)


def _start() -> None:
    """Set up logs before a command runs."""
    # These two take longer to import than the help takes to print.
    from kg.settings import load_settings
    from scripts.logs import configure_logs

    configure_logs(load_settings().log_level or "WARNING")


app = lazy_app("trailmix", COMMANDS, _start)


def main() -> None:
    """Run the command line; a TrailmixError is one line on stderr and an exit code, never a traceback."""
    # Torch reads this when it is loaded. Threads that wait should sleep: where they spin beside other work
    # on two cores, the text encoder does 26 texts/s instead of 93.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app(prog_name="trailmix", obj=time.monotonic())
    except UsageError as error:
        _fail(error, EXIT_USAGE)
    except TrailmixError as error:
        _fail(error, EXIT_FAILED)


def _fail(error: TrailmixError, code: int) -> None:
    print(f"trailmix: {printable(str(error))}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
