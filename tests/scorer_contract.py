"""What every scorer promises: a suite that those of the model and the baselines pass alike.

A test class inherits `ScorerContract`; its module gives it the fixture `case`, one for each scorer.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from safetensors.numpy import load_file

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.files import write_tensors
from embeddings.scorers.base import Scorer

IMPERSONAL = {"popularity", "time_popularity"}
"""Scorers that rank alike for everybody whose times are unknown."""


@dataclass(frozen=True)
class ScorerCase:
    """A scorer, and what it learnt from the checkerboard."""

    kind: type[Scorer[Any]]
    config: Any
    fitted: Scorer[Any]

    @classmethod
    def of(cls, kind: type[Scorer[Any]], config: Any, dataset: Dataset) -> Self:
        return cls(kind, config, kind.fit(dataset, config, seed=3))


class ScorerContract:
    def test_shape_and_finiteness_for_new_and_empty_histories(self, case, dataset) -> None:
        histories = Histories.of([[], [0], [1, 3], list(range(12))], dataset.n_items)
        scores = case.fitted.score(histories)
        assert scores.shape == (4, dataset.n_items)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_nobody_has_no_scores(self, case, dataset) -> None:
        scores = case.fitted.score(Histories.of([], dataset.n_items))
        assert (scores.shape, scores.dtype) == ((0, dataset.n_items), np.float32)

    def test_checkerboard(self, case, dataset) -> None:
        """A new user who liked two items of a colour gets that colour; items without text do not count."""
        scores = case.fitted.score(Histories.of([[0, 2], [1, 3]], dataset.n_items))
        if case.kind.name in IMPERSONAL:
            np.testing.assert_array_equal(scores[0], scores[1])
        else:
            assert scores[0, [4, 6, 8]].min() > scores[0, [5, 7, 9]].max()
            assert scores[1, [5, 7, 9]].min() > scores[1, [4, 6, 8]].max()

    def test_the_same_seed_gives_the_same_arrays(self, case, dataset) -> None:
        again = case.kind.fit(dataset, case.config, seed=3).arrays()
        for key, array in case.fitted.arrays().items():
            np.testing.assert_array_equal(array, again[key], err_msg=key)

    def test_saved_and_restored_it_scores_the_same(self, case, dataset, tmp_path) -> None:
        histories = Histories.of([[0, 2], []], dataset.n_items)
        arrays = case.fitted.arrays()
        assert all(x.flags.c_contiguous for x in arrays.values()), "else scores differ in the last bit"
        write_tensors(tmp_path / "scorer.safetensors", arrays)
        loaded = load_file(tmp_path / "scorer.safetensors")
        for array in loaded.values():
            array.flags.writeable = False
        restored = case.kind.restore(loaded)
        np.testing.assert_array_equal(restored.score(histories), case.fitted.score(histories))

    def test_a_batch_scores_as_its_rows_alone(self, case, dataset) -> None:
        histories = [[0, 2], [1], [], [3, 4, 5]]
        together = case.fitted.score(Histories.of(histories, dataset.n_items))
        alone = [case.fitted.score(Histories.of([h], dataset.n_items))[0] for h in histories]
        np.testing.assert_allclose(together, np.stack(alone), atol=1e-5)

    def test_fits_without_facts_text_or_events(self, case, dataset) -> None:
        nothing = replace(
            dataset,
            n_users=3,
            n_items=5,
            n_nodes=5,
            events=dataset.events.select(np.zeros(len(dataset.events), np.bool_)),
            triples=dataset.triples.select(np.zeros(len(dataset.triples), np.bool_)),
            text=np.zeros((5, 4), np.float32),
        )
        scores = case.kind.fit(nothing, case.config).score(Histories.of([[1], []], 5))
        assert np.isfinite(scores).all()

    def test_what_learns_from_content_alone_is_the_same_without_events(self, case, dataset) -> None:
        if not case.kind.content_only:
            return
        none = dataset.select_events(np.zeros(len(dataset.events), np.bool_))
        histories = Histories.of([[0, 2], [1, 3]], dataset.n_items)
        scores = case.kind.fit(none, case.config, seed=3).score(histories)
        np.testing.assert_array_equal(scores, case.fitted.score(histories))
