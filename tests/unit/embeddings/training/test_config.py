"""Configurations: to plain values and back, and what a manifest makes of them."""

import json
from dataclasses import fields, is_dataclass, replace

import pytest

from embeddings.candidates.specs import SCORER_SPECS, select_specs
from embeddings.graph.configs import GnnConfig, KgeConfig
from embeddings.model.config import ModelConfig
from embeddings.training.config import GroupConfig, NewItemBiasConfig, TrainingConfig
from embeddings.training.holdout import HoldoutConfig
from embeddings.training.train import describe
from kg.errors import UsageError

ALL = TrainingConfig(select_specs(tuple(SCORER_SPECS)))


def leaves(config, path=()):
    """Where each plain setting is: attribute names, and names of scorers."""
    if isinstance(config, dict):
        return [found for name, own in config.items() for found in leaves(own, (*path, name))]
    if is_dataclass(config) and not isinstance(config, type):
        return [x for own in fields(config) for x in leaves(getattr(config, own.name), (*path, own.name))]
    return [path]


def at(config, path):
    for name in path:
        config = config[name] if isinstance(config, dict) else getattr(config, name)
    return config


def changed(config, path, value):
    """The same with another value at a path."""
    name, *rest = path
    if isinstance(config, dict):
        return {**config, name: changed(config[name], rest, value) if rest else value}
    return replace(config, **{name: changed(getattr(config, name), rest, value) if rest else value})


OTHER_VALUES = {
    ("source",): "text",
    ("model",): "rotate",
    ("bias",): 0.25,
    ("all_items",): ("binary",),
    ("known_items",): ("lambdarank",),
    ("history_lengths",): (0, 2),
    ("last_shares",): (0.15,),
    ("items_scorer",): "ease",
    ("session_scorer",): "popularity",
    ("weight_penalties",): (0.5,),
}


def other_value(path, value):
    """A value of the same type that differs."""
    if path[-1:] in OTHER_VALUES and not isinstance(value, int):
        return OTHER_VALUES[path[-1:]]
    if isinstance(value, bool):
        return not value
    return value * 2 + 1


def other(path):
    """A configuration with another value at a path; both knowledge-graph embeddings change together."""
    if path[-1] == "scorer":
        return changed(
            ALL, path, next(x.scorer for x in SCORER_SPECS.values() if x.scorer is not at(ALL, path))
        )
    value = other_value(path, at(ALL, path))
    if path[:3] == ("scorers", "kge", "config"):
        pair = replace(at(ALL, path[:3]), **{path[3]: value})
        specs = {
            **ALL.scorers,
            "kge": replace(ALL.scorers["kge"], config=pair),
            "gnn": replace(ALL.scorers["gnn"], config=replace(ALL.scorers["gnn"].config, kge=pair)),
        }
        return replace(ALL, scorers=specs)
    return changed(ALL, path, value)


PATHS = [
    path
    for path in leaves(ALL)
    # changed with the embedding's own; text and popularity have nothing to set
    if path[:4] != ("scorers", "gnn", "config", "kge")
    # weights that need `extrapolated`
    and not (
        path[-1] in ("ridge_weight", "knn_weight", "fixed_ridge_weight", "extrapolated")
        and path[0] == "scorers"
    )
]


def test_there_are_settings_of_every_kind() -> None:
    found = {path[0] for path in PATHS}
    assert found == {x.name for x in fields(TrainingConfig)}
    assert {path[1] for path in PATHS if path[0] == "scorers"} == set(SCORER_SPECS)


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_every_setting_counts_among_the_inputs(snapshot, path) -> None:
    """And survives the way to JSON and back."""
    config = other(path)
    assert config != ALL
    assert describe(snapshot, "fake", config, 0).inputs != describe(snapshot, "fake", ALL, 0).inputs
    if path[-1] != "scorer":  # whose configuration would be of another type
        assert TrainingConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config


@pytest.mark.parametrize("name", [name for name, spec in SCORER_SPECS.items() if spec.extrapolated])
def test_the_weights_of_extrapolated_scores_count_among_the_inputs(snapshot, name) -> None:
    inputs = {describe(snapshot, "fake", ALL, 0).inputs}
    for change in (
        {"ridge_weight": 9.0},
        {"knn_weight": 9.0},
        {"fixed_ridge_weight": 9.0},
        {"extrapolated": False, "ridge_weight": 0.0, "knn_weight": 0.0, "fixed_ridge_weight": 0.0},
    ):
        specs = {**ALL.scorers, name: replace(ALL.scorers[name], **change)}
        inputs.add(describe(snapshot, "fake", replace(ALL, scorers=specs), 0).inputs)
    assert len(inputs) == 5


@pytest.mark.parametrize("name", SCORER_SPECS)
def test_every_spec_survives_the_way_to_json_and_back(name) -> None:
    config = TrainingConfig(select_specs([name]))
    values = json.loads(json.dumps(config.as_dict()))
    assert TrainingConfig.from_dict(values) == config
    assert type(TrainingConfig.from_dict(values).scorers[name].config) is type(SCORER_SPECS[name].config)


def test_a_model_reads_its_part_of_the_settings_of_a_training() -> None:
    training = TrainingConfig(groups=GroupConfig(keep=0.1), new_item_bias=NewItemBiasConfig(0.5))
    found = ModelConfig.from_dict(json.loads(json.dumps(training.as_dict())))
    assert type(found) is ModelConfig
    assert (found.scorers, found.two_stage) == (training.scorers, training.two_stage)


def test_a_setting_that_is_missing_is_an_error() -> None:
    values = TrainingConfig().as_dict()
    del values["holdout"]
    with pytest.raises(KeyError, match="holdout"):
        TrainingConfig.from_dict(values)


def test_the_tuple_of_lengths_is_a_tuple_again() -> None:
    config = TrainingConfig(holdout=HoldoutConfig(history_lengths=(0, 7)))
    found = TrainingConfig.from_dict(json.loads(json.dumps(config.as_dict())))
    assert found.holdout.history_lengths == (0, 7)


def test_two_embeddings_are_refused() -> None:
    kge, other_kge = KgeConfig(), KgeConfig("rotate")
    specs = select_specs(("kge", "gnn"), {"kge": kge, "gnn": GnnConfig(kge=other_kge)})
    with pytest.raises(UsageError, match=r"one knowledge-graph embedding, not several: kge: .*; gnn: "):
        TrainingConfig(specs)
    TrainingConfig(select_specs(("kge", "gnn"), {"kge": other_kge, "gnn": GnnConfig(kge=other_kge)}))
    TrainingConfig(select_specs(("kge", "gnn"), {"gnn": GnnConfig(kge=None)}))


def test_another_embedding_model_is_that_of_all_scorers() -> None:
    config = ALL.with_kge("distmult")
    assert config.scorers["kge"].config == KgeConfig("distmult")
    assert config.scorers["gnn"].config == GnnConfig(kge=KgeConfig("distmult"))
    others = {name: spec for name, spec in config.scorers.items() if name not in ("kge", "gnn")}
    assert others == {name: spec for name, spec in ALL.scorers.items() if name in others}
