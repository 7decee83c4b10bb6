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
        if table.rows[0].parts:
            print_table(title_of_parts(table), *cells_of_parts(table))


def title(table: Table) -> str:
    """The title of a table."""
    left_out = f" ({table.left_out:,} left out)" if table.left_out else ""
    about = f"{table.trial}: {table.users:,} users{left_out}, first {table.k}"
    return f"{about}; against {table.baseline}, 95 % intervals, paired by user"


def cells(table: Table) -> tuple[list[str], list[list[str]]]:
    """Headings, and one line per method."""
    known = {name for row in table.rows for name in short(row.metrics)}
    shown = [name for name in HEADINGS if name in known]
    headings = ["", *(HEADINGS[name] for name in shown), "NDCG 95 %", f"/ {table.baseline}"]
    return headings, [_line(row, shown) for row in table.rows]


def title_of_parts(table: Table) -> str:
    """The title of the table by part."""
    parts = ", ".join(table.rows[0].parts)
    return f"{table.trial}, the same lists by what is relevant: all, {parts}"


def cells_of_parts(table: Table) -> tuple[list[str], list[list[str]]]:
    """Headings, and one line per method: all relevant items beside those of each part."""
    parts = list(table.rows[0].parts)
    headings = ["", "all: NDCG", f"/ {table.baseline}"]
    for part in parts:
        headings += [f"{part}: NDCG", f"/ {baseline_of_part(table, part)}", "recall", "hit", "MRR"]
    return headings, [_line_of_parts(row, parts) for row in table.rows]


def baseline_of_part(table: Table, part: str) -> str:
    """The method that NDCG is compared with among the relevant items of a part."""
    return next(row.method for row in table.rows if row.versus_by_part[part] is None)


def _line_of_parts(row: Row, parts: Sequence[str]) -> list[str]:
    figures = [f"{row.ndcg.value:.4f}", ratio(row.versus)]
    for part in parts:
        ndcg, *others = (f"{short(row.parts[part])[name]:.4f}" for name in ("ndcg", "recall", "hr", "mrr"))
        figures += [ndcg, ratio(row.versus_by_part[part]), *others]
    return [row.method, *figures]


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
    return as_json(content)


def as_json(content: Any) -> str:
    """Content as JSON; a figure that is not finite is null."""
    return json.dumps(_finite(content), indent=1) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
