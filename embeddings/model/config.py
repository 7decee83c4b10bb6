"""The settings that serve: how a model's candidates are selected, described and scored."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self, get_type_hints

from pydantic import TypeAdapter

from embeddings.candidates.specs import DEFAULT_SCORERS, SCORERS, ScorerSpec, select_specs
from embeddings.model.stated_preferences import StatedPreferenceConfig
from embeddings.ranking.two_stage import TwoStageConfig


@dataclass(frozen=True)
class ModelConfig:
    """The settings of a model that requests depend on; a training adds its own."""

    scorers: Mapping[str, ScorerSpec] = field(default_factory=lambda: select_specs(DEFAULT_SCORERS))
    """The scorers of the ensemble, by name, in the order of the columns."""
    two_stage: TwoStageConfig = field(default_factory=TwoStageConfig)
    stated_preferences: StatedPreferenceConfig = field(default_factory=StatedPreferenceConfig)

    def as_dict(self) -> dict[str, Any]:
        """All settings as plain values, scorers by name: what a manifest holds and hashes."""
        found = asdict(self)
        for name, spec in self.scorers.items():
            found["scorers"][name]["scorer"] = spec.scorer.name
        return found

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The settings whose `as_dict()` this is, maybe read from JSON; others among them are left out.

        Raises:
            KeyError: there is no such scorer, or a setting is missing.
            ValidationError: a value is of the wrong type.
        """
        specs = {name: _spec_from_dict(own) for name, own in values["scorers"].items()}
        types = get_type_hints(cls)
        own = {
            x.name: TypeAdapter(types[x.name]).validate_python(values[x.name])
            for x in fields(cls)
            if x.name != "scorers"
        }
        return cls(scorers=specs, **own)


def _spec_from_dict(values: Mapping[str, Any]) -> ScorerSpec:
    scorer = SCORERS[values["scorer"]]
    config = TypeAdapter(type(scorer.grid[0])).validate_python(values["config"])
    return ScorerSpec(**{**values, "scorer": scorer, "config": config})
