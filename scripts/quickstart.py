"""`trailmix quickstart`: from nothing to explained recommendations; what is unchanged is used again."""

import hashlib
import json
import resource
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from embeddings.training.latest import train_latest
from kg.adapters.sample import FILES, TERMS, write_sample
from kg.errors import GraphSchemaError
from kg.graph import GraphSnapshot
from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping
from kg.progress import Report
from kg.settings import Settings, load_settings
from kg.store.connect import open_store
from kg.store.store import GraphStore
from scripts.printing import print_recommendation
from scripts.progress import Reporter, reporting
from scripts.train import metrics_text, print_notes
from service.contract import RecommendRequest
from service.loading import load_recommender

NEXT = """
Start the service:  make serve          (or: .venv/bin/trailmix serve)
and ask it:         curl -s http://127.0.0.1:8000/recommend -H 'Content-Type: application/json' \\
                         -d '{{"user_id": "{user}"}}'
Read the graph:     .venv/bin/trailmix graph cypher \\
                         "MATCH (m:Movie)-->(:Person {{id: 'Ridley Scott'}}) RETURN DISTINCT m.title"
"""

LIKES_WANTED = 30
"""The user shown is the one whose number of liked items is nearest to this."""


def command(
    context: typer.Context,
    user: Annotated[
        str | None, typer.Option(help="The user to recommend to. The default is a typical user.")
    ] = None,
    k: Annotated[int, typer.Option("--k", min=1, max=200, help="The number of items to recommend.")] = 10,
) -> None:
    """Load the sample into the graph, train, evaluate, and show recommendations with their paths.

    Example: trailmix quickstart
    """
    settings = load_settings()
    stages = Stages()
    stages.add("imports", time.monotonic() - context.obj)
    with reporting() as report:
        with stages.timed("sample files", report):
            files = _sample(settings.home / "sample")
        with stages.timed("graph server", report):
            store = open_store(settings)
        with store:
            with stages.timed("ingest", report):
                _ingest(settings, store, files, report)
            with stages.timed("train and evaluate", report):
                saved = train_latest(settings, store, report=report)
        with stages.timed("recommend", report):
            recommender = load_recommender(settings, warm_up=False)
            shown = user or _typical_user(recommender.snapshot)
            answer = recommender.recommend(RecommendRequest(user_id=shown, k=k), request_id=uuid.uuid4().hex)
    print_notes(saved)
    print(metrics_text(saved.manifest.metrics), end="\n\n")
    print_recommendation(f"user {shown}", recommender.liked(shown), answer)
    print(NEXT.format(user=shown))
    stages.say()


class Stages:
    """How long each stage took."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, stage: str, report: Reporter) -> Iterator[None]:
        """Time what happens inside, and name it where nothing else is reported."""
        began = time.monotonic()
        with report.during(stage):
            yield
        self.add(stage, time.monotonic() - began)

    def add(self, stage: str, seconds: float) -> None:
        """Note how long a stage took."""
        self._seconds[stage] = seconds

    def say(self) -> None:
        """Print one line on stderr: the sum, each stage, and the peak memory of this process."""
        each = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in self._seconds.items())
        unit = 2**20 if sys.platform == "darwin" else 2**10
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
        _say(f"{sum(self._seconds.values()):.1f} s ({each}); at most {peak:,.0f} MB beside the graph server")


def _sample(folder: Path) -> str:
    """Write the sample's files if one of them is missing; return a hash of all of them."""
    if all((folder / name).exists() for name in FILES):
        _say(f"sample files: unchanged in {folder}")
    else:
        write_sample(folder)
        _say(f"sample files: written to {folder}\n{TERMS}")
    digest = hashlib.sha256()
    for name in FILES:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]


def _ingest(settings: Settings, store: GraphStore, files: str, report: Report) -> None:
    """Load the sample, unless the graph has not changed since the last time."""
    mark = settings.home / "quickstart.json"
    if _is_loaded(store, mark, files):
        _say("graph: unchanged")
        return
    folder = settings.home / "sample"
    done = ingest(load_mapping(folder / "mapping.yaml"), folder, store, report)
    mark.write_text(json.dumps({"files": files, "graph": store.state()}))
    _say(f"graph: {done.nodes:,} nodes and {done.relations:,} relations written")


def _is_loaded(store: GraphStore, mark: Path, files: str) -> bool:
    """Whether the graph still holds these files and nothing else was written to it."""
    try:
        return bool(json.loads(mark.read_text()) == {"files": files, "graph": store.state()})
    except (FileNotFoundError, ValueError, GraphSchemaError):
        return False


def _typical_user(snapshot: GraphSnapshot) -> str:
    likes = np.diff(snapshot.liked.indptr)
    return snapshot.users.ids[int(np.abs(likes - LIKES_WANTED).argmin())]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
