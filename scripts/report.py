"""Comparisons as tables on stdout and as JSON."""

import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Column
from rich.table import Table as RichTable

from embeddings.evaluation.bootstrap import Comparison, Interval
from embeddings.evaluation.comparison import Row, Table

HEADINGS = {
    "ndcg": "NDCG",
    "recall": "recall",
    "precision": "prec.",
    "hr": "hit",
    "mrr": "MRR",
    "coverage": "cover.",
    "diversity": "divers.",
    "novelty": "novelty",
    "popularity": "popul.",
    "gini": "Gini",
    "miscalibration": "miscal.",
    "ece": "ECE",
}
"""Metrics shown for each method that has them, in this order; the JSON has all metrics."""


def print_tables(tables: Iterable[Table]) -> None:
    """Print one table of all methods per trial; plain lines if stdout is no terminal."""
    for table in tables:
        print_table(title(table), *cells(table))
        for part in sorted({name for row in table.rows for name in row.parts}):
            known = {row.method: row.parts[part] for row in table.rows}
            lines = [[method, *accuracy(metrics)] for method, metrics in known.items()]
            print_table(f"{table.trial}, {part} alone", [part, "NDCG", "recall", "hit", "MRR"], lines)


def title(table: Table) -> str:
    """The title of a table."""
    about = f"{table.trial}: {table.users:,} users, first {table.k}"
    return f"{about}; against {table.baseline}, 95 % intervals, paired by user"


def cells(table: Table) -> tuple[list[str], list[list[str]]]:
    """Headings, and one line per method."""
    known = {name for row in table.rows for name in short(row.metrics)}
    shown = [name for name in HEADINGS if name in known]
    headings = ["", *(HEADINGS[name] for name in shown), "NDCG 95 %", f"/ {table.baseline}"]
    return headings, [_line(row, shown) for row in table.rows]


def accuracy(metrics: dict[str, float]) -> list[str]:
    """The accuracy figures that are shown."""
    by_name = short(metrics)
    return [f"{by_name[name]:.4f}" for name in ("ndcg", "recall", "hr", "mrr")]


def short(metrics: dict[str, float]) -> dict[str, float]:
    """Without the `@k` in the names."""
    return {name.partition("@")[0]: value for name, value in metrics.items()}


def _line(row: Row, shown: Sequence[str]) -> list[str]:
    metrics = short(row.metrics)
    figures = [f"{metrics[name]:.4f}" if name in metrics else "" for name in shown]
    return [row.method, *figures, span(row.ndcg), ratio(row.versus)]


def span(interval: Interval) -> str:
    """Both ends of an interval."""
    return f"{interval.low:.4f}-{interval.high:.4f}"


def ratio(versus: Comparison | None) -> str:
    """The ratio to the baseline, with its interval."""
    if versus is None:
        return "baseline"
    found = versus.ratio
    return f"{found.value:.3f} ({found.low:.3f}-{found.high:.3f})"


def print_table(heading: str, headings: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Aligned columns, the first to the left, the others to the right."""
    if sys.stdout.isatty():
        columns = [Column(h, justify="left" if not n else "right") for n, h in enumerate(headings)]
        table = RichTable(*columns, title=heading, title_justify="left", box=None)
        for line in lines:
            table.add_row(*line)
        Console(highlight=False).print(table)
        return
    print(f"\n{heading}")
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    for line in (headings, *lines):
        first, *rest = zip(line, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]).rstrip())


def tables_json(about: dict[str, Any], tables: Iterable[Table], users: dict[str, Any]) -> str:
    """Everything that was measured and how; a figure that is not finite is null.

    `users` has by trial the users' ids and, by method, each one's NDCG.
    """
    content = {**about, "trials": [{**asdict(table), "per_user": users[table.trial]} for table in tables]}
    return json.dumps(_finite(content), indent=1) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
