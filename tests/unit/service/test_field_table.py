"""docs/http-api.md has each field as the contract has it, and its answers are answers."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from service.contract import Recommendation
from service.field_table import BEGIN, END, field_table, with_field_table
from service.problems import Problem
from service.understanding.contract import UnderstoodText
from service.validation import Validation

DOCUMENT = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text()


class Toy(BaseModel):
    ids: list[str] = Field(default_factory=list, max_length=1_000, description="Some ids.")
    text: str | None = Field(None, max_length=20, description="A text.")
    k: int = Field(10, ge=1, le=200)
    yes: bool = True
    weight: float = 0.5


def test_one_row_a_field() -> None:
    assert field_table(Toy) == (
        "| field | type | default | |\n"
        "|---|---|---|---|\n"
        "| `ids` | up to 1,000 strings |  | Some ids. |\n"
        "| `text` | string, up to 20 characters |  | A text. |\n"
        "| `k` | integer, 1 to 200 | `10` |  |\n"
        "| `yes` | boolean | `true` |  |\n"
        "| `weight` | number | `0.5` |  |\n"
    )


def test_the_table_in_the_document_is_the_contracts() -> None:
    assert with_field_table(DOCUMENT) == DOCUMENT, "run: python -m service.field_table docs/http-api.md"


def test_only_what_is_between_the_marks_is_written() -> None:
    made = with_field_table(f"before\n{BEGIN}outdated\n{END}after\n")
    assert made.startswith(f"before\n{BEGIN}| field |")
    assert made.endswith(f" |\n{END}after\n")
    assert "outdated" not in made


@pytest.mark.parametrize("document", ["", BEGIN, END + BEGIN])
def test_a_document_without_marks_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="lacks"):
        with_field_table(document)


def test_the_answers_in_the_document_are_answers() -> None:
    found = re.findall(r"^```json\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
    models: list[type[BaseModel]] = [Recommendation, UnderstoodText, Validation, Problem]
    for model, answer in zip(models, map(json.loads, found), strict=True):
        own = model is UnderstoodText  # shown without what is empty
        assert model.model_validate(answer).model_dump(mode="json", by_alias=own, exclude_unset=own) == answer
