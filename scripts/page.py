"""Comparisons as one HTML page that needs nothing else: tables, and the plots inside it."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from embeddings.evaluation.comparison import Table
from scripts.plots import pictures
from scripts.report import accuracy, cells, ratio, span, title

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: .5rem 0 1.5rem }
th, td { padding: .25rem .6rem; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left }
thead th { border-bottom: 2px solid #1b6e53 } tbody tr:nth-child(even) { background: #f3f6f5 }
img { max-width: 100%; margin-right: 1rem; vertical-align: top } h2 { margin-top: 2.5rem }
"""


def page(about: dict[str, Any], tables: Iterable[Table]) -> str:
    """The whole page.

    Raises:
        UsageError: matplotlib is not installed.
    """
    settings = ", ".join(f"{name} {value}" for name, value in about.items())
    sections = "\n".join(_section(table) for table in tables)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Trailmix: evaluation</title><style>{STYLE}</style></head>\n"
        f"<body><h1>Evaluation</h1><p>{escape(settings)}</p>\n{sections}\n</body></html>\n"
    )


def _section(table: Table) -> str:
    images = "\n".join(
        f'<img alt="{escape(name)}" src="data:image/png;base64,{b64encode(png).decode()}">'
        for name, png in pictures(table).items()
    )
    parts = sorted({name for row in table.rows for name in row.parts})
    halves = [
        f"<h3>{escape(part)} alone</h3>"
        + _table(
            ["", "NDCG", "recall", "hit", "MRR"],
            [[row.method, *accuracy(row.parts[part])] for row in table.rows],
        )
        for part in parts
    ]
    facet = f"<p>Miscalibration is over {escape(table.facet)}.</p>" if table.facet else ""
    return (
        f"<h2>{escape(table.trial)}</h2><p>{escape(title(table))}</p>{_table(*cells(table))}{facet}"
        f"{''.join(halves)}<h3>By how much is known of a user</h3>{_groups(table)}\n{images}"
    )


def _groups(table: Table) -> str:
    lines = [
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
    return _table(["", "history", "users", "NDCG", "95 %", f"/ {table.baseline}"], lines)


def _table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    rows = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>"
