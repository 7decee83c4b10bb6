"""Plots (PNG) of comparisons, by matplotlib without a display."""

from io import BytesIO
from typing import TYPE_CHECKING

from embeddings.evaluation.comparison import Table
from embeddings.evaluation.reranking import RANDOM, RANKING, Curves
from kg.errors import UsageError
from scripts.report import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#1b6e53", "#8aa39b")
"""Colours of the first method and of the others."""


def pictures(table: Table) -> dict[str, bytes]:
    """PNG files by name: accuracy, accuracy by length of history, accuracy against popularity.

    Raises:
        UsageError: matplotlib is not installed.
    """
    drawn = {
        "ndcg": _ndcg(_new_figure((7, 0.6 + 0.42 * len(table.rows))), table),
        "groups": _groups(_new_figure((7, 3.6)), table),
        "popularity": _popularity(_new_figure((7, 4)), table),
    }
    return {f"{table.trial}-{name}.png": _png(figure) for name, figure in drawn.items()}


def curve_picture(curves: Curves, k: int) -> bytes:
    """A PNG file: measures of lists of k items against their NDCG, both as ratios to the ranking's.

    Raises:
        UsageError: matplotlib is not installed.
    """
    points = [point for point in curves.points if point.k == k]
    shown = [name for name in ("diversity", "miscalibration", "novelty") if name in points[0].values]
    figure = _new_figure((4.2 * len(shown), 3.8))
    for place, name in enumerate(shown):
        axes = figure.add_subplot(1, len(shown), place + 1)
        for criterion in dict.fromkeys(p.criterion for p in points if p.criterion not in (RANKING, RANDOM)):
            own = [point.ratios for point in points if point.criterion == criterion]
            x, y = [ratios[f"ndcg@{k}"].ratio for ratios in own], [ratios[name].ratio for ratios in own]
            errors = [[p.value - p.low for p in x], [p.high - p.value for p in x]]
            values = [p.value for p in x], [p.value for p in y]
            axes.errorbar(*values, xerr=errors, marker="o", ms=3, lw=1, elinewidth=0.4, label=criterion)
        axes.plot([1], [1], "k*")
        axes.set_xlabel(f"NDCG@{k} / that of the ranking, 95 %")
        axes.set_ylabel(f"{name} / that of the ranking")
    axes.legend(frameon=False)
    figure.suptitle(f"{curves.trial}: {curves.users:,} users; each point a strength", x=0.01, ha="left")
    return _png(figure)


def _new_figure(size: tuple[float, float]) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("plots need matplotlib: pip install 'trailmix[plots]'") from None
    return Figure(figsize=size, layout="constrained")


def _ndcg(figure: "Figure", table: Table) -> "Figure":
    """One bar per method, with its interval."""
    axes = figure.add_subplot()
    rows = table.rows[::-1]
    values = [row.ndcg.value for row in rows]
    errors = [
        [row.ndcg.value - row.ndcg.low for row in rows],
        [row.ndcg.high - row.ndcg.value for row in rows],
    ]
    colours = [COLOURS[row is not table.rows[0]] for row in rows]
    axes.barh([row.method for row in rows], values, xerr=errors, color=colours, ecolor="#333333", capsize=2)
    axes.set_xlabel(f"NDCG@{table.k}, 95 % intervals")
    axes.set_title(f"{table.trial}: {table.users:,} users", loc="left")
    return figure


def _groups(figure: "Figure", table: Table) -> "Figure":
    """One line per method over the groups of users."""
    axes = figure.add_subplot()
    for row in table.rows:
        names = [f"{group.name}\n{group.users:,} users" for group in row.groups]
        width = 2.5 if row is table.rows[0] else 1.0
        axes.plot(names, [group.ndcg.value for group in row.groups], marker="o", lw=width, label=row.method)
    axes.set_ylabel(f"NDCG@{table.k}")
    axes.set_title(f"{table.trial}: by how much is known of a user", loc="left")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _popularity(figure: "Figure", table: Table) -> "Figure":
    """One point per method: accuracy against popularity of the recommended items."""
    axes = figure.add_subplot()
    for row in table.rows:
        metrics = short(row.metrics)
        x, y = metrics["popularity"], metrics["ndcg"]
        axes.scatter(
            x, y, s=2000 * metrics["coverage"] + 15, alpha=0.6, color=COLOURS[row is not table.rows[0]]
        )
        axes.annotate(row.method, (x, y), textcoords="offset points", xytext=(6, 4))
    axes.set_xlabel("mean share of users who like what is recommended")
    axes.set_ylabel(f"NDCG@{table.k}")
    axes.set_title(f"{table.trial}: accuracy and popularity; area is coverage", loc="left")
    axes.margins(0.15)
    return figure


def _png(figure: "Figure") -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=130)
    return file.getvalue()
