"""What `trailmix train` says on stderr of a model that had little to learn from."""

from pathlib import Path

import pytest
from small_library import ThemeEncoder, library

from embeddings.training.config import TrainingConfig
from embeddings.training.latest import SavedModel
from embeddings.training.train import train, train_unmeasured
from kg.snapshot_changes import NewSince
from scripts.train import print_notes


@pytest.fixture
def notes(capsys):
    def said(loans, fit=train, *, reused=False) -> list[str]:
        manifest = fit(library(loans), ThemeEncoder(), TrainingConfig()).manifest
        print_notes(SavedModel(Path("m"), manifest, reused))
        printed = capsys.readouterr()
        assert printed.out == ""
        return printed.err.splitlines()

    return said


UNMEASURED = (
    "model: nothing was measured: no liked event could be held out; that takes a user with events of 3 items"
)


def test_without_events(notes) -> None:
    content = (
        "model: no events to learn from: items are ranked by what is known of them (text and facts) alone"
    )
    assert notes(()) == [content, UNMEASURED]
    assert notes((), train_unmeasured) == [content]
    assert notes((), reused=True) == ["model: unchanged inputs, reused", content, UNMEASURED]


def test_with_hardly_any_events(notes) -> None:
    few, unmeasured = notes([(0, 0), (1, 7)])
    assert few.startswith("model: too few events to learn a ranker from (likes: 2, users: 2)")
    assert unmeasured == UNMEASURED
    assert len(notes([(0, n) for n in range(5)])) == 1


def test_what_came_into_the_graph_since(notes, capsys) -> None:
    manifest = train_unmeasured(library(), ThemeEncoder(), TrainingConfig()).manifest
    print_notes(SavedModel(Path("m"), manifest, reused=False, new=NewSince(1, 0, 1200)))
    said = capsys.readouterr().err.splitlines()[0]
    assert said == "model: new since the model before: 1 event, 0 users, 1,200 items"
