"""The calibration plot of a card, by matplotlib, which only training needs."""

from __future__ import annotations

from pathlib import Path

from thresher.classifiers.evaluation import Evaluation


def calibration_plot(result: Evaluation, title: str, path: Path) -> None:
    """Draw predicted against true probability, and how many texts have each, as a PNG."""
    # The object interface: pyplot would keep global state and ask for a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [row for row in result.calibration if row.texts]
    figure = Figure(figsize=(5, 6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="perfect")
    upper.plot(
        [row.mean_probability for row in rows],
        [row.positive_share for row in rows],
        marker="o",
        color="tab:blue",
        label="held out",
    )
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="true share of positives", title=title)
    upper.legend(loc="upper left")
    width = 1 / len(result.calibration)
    lower.bar(
        [row.least for row in result.calibration],
        [row.texts for row in result.calibration],
        width=width,
        align="edge",
        color="tab:blue",
        edgecolor="white",
    )
    lower.set(xlabel="predicted probability", ylabel="texts")
    # Without the version of the library the same figures are the same bytes.
    figure.savefig(path, format="png", metadata={"Software": None})
