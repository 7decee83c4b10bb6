"""Comparisons as one HTML page that needs nothing else: tables, and the plots inside it."""

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from embeddings.evaluation.comparison import Table
from scripts.plots import pictures
from scripts.report import cells, cells_of_parts, ratio, span, title, title_of_parts


def page(about: dict[str, Any], tables: Iterable[Table]) -> str:
    """The whole page.

    Raises:
        UsageError: matplotlib is not installed.
    """
    templates = Environment(
        loader=PackageLoader("scripts", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("evaluation.html").render(about=about, trials=map(_trial, tables))


def _trial(table: Table) -> dict[str, Any]:
    """What the template shows of one trial."""
    headings, lines = cells(table)
    part_headings, part_lines = cells_of_parts(table) if table.rows[0].parts else ([], [])
    return {
        "name": table.trial,
        "title": title(table),
        "facet": table.facet,
        "baseline": table.baseline,
        "headings": headings,
        "lines": lines,
        "title_of_parts": title_of_parts(table),
        "part_headings": part_headings,
        "part_lines": part_lines,
        "groups": _groups(table),
        "images": {name: b64encode(png).decode() for name, png in pictures(table).items()},
    }


def _groups(table: Table) -> list[list[str]]:
    """A line for each method and group of users."""
    return [
        [
            row.method,
            group.name,
            f"{group.users:,}",
            f"{group.ndcg.value:.4f}",
            span(group.ndcg),
            ratio(group.versus),
        ]
        for row in table.rows
        for group in row.groups
    ]
