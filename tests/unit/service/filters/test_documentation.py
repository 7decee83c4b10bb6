"""The requests in docs/filters.md are requests."""

import re
from pathlib import Path

import pytest

from service.contract import RecommendRequest

EXAMPLES = re.findall(
    r"```json\n(.*?)```", (Path(__file__).parents[4] / "docs" / "filters.md").read_text(), re.DOTALL
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_request(example: str) -> None:
    assert RecommendRequest.model_validate_json(example) != RecommendRequest()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 5
