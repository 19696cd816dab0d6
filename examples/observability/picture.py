"""The picture of a rollout: who met which variant, and how often it failed them."""

from pathlib import Path

import matplotlib
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator, PercentFormatter
from rollout import Story

INK, FAINT, GRID, ALARM = "#1f2933", "#66727f", "#e4e8ec", "#c62828"
COLOURS = {"on": "#e8710a", "off": "#3b6ea8"}
NAMES = {"on": "on, the new page", "off": "off, the old page"}

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#b8c1ca",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid.axis": "y",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    # The same numbers make the same file.
    "svg.hashsalt": "flagstaff",
}


def draw(story: Story, path: Path) -> None:
    matplotlib.use("agg")
    with pyplot.rc_context(STYLE):
        figure, (upper, lower) = pyplot.subplots(
            2, 1, sharex=True, figsize=(9, 6), height_ratios=(1, 1), layout="constrained"
        )
        figure.get_layout_engine().set(hspace=0.06, h_pad=0.08, w_pad=0.12)
        exposures(upper, story)
        errors(lower, story)
        annotate(upper, lower, story)
        end = max(at for course in story.exposures.values() for at, _ in course)
        upper.set_xlim(0, end)
        lower.set_xlabel("seconds", color=FAINT)
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(path, dpi=160, facecolor="white", metadata=metadata)
        pyplot.close(figure)


def heading(axes: Axes, text: str, more: str) -> None:
    place = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(text, (0, 1), (0, 24), size=12, weight="bold", **place)
    axes.annotate(more, (0, 1), (0, 10), size=9, color=FAINT, **place)


def note(axes: Axes, text: str, at: tuple[float, float], offset: tuple[int, int], **how) -> None:
    """Writes beside a point of the data."""
    axes.annotate(text, at, offset, textcoords="offset points", weight="bold", **how)


def exposures(axes: Axes, story: Story) -> None:
    heading(
        axes,
        "Users who have met each variant, as the new page is given to more of them",
        "flagstaff_flag_exposures_total: a user counts once, whichever worker asked",
    )
    for variant, course in sorted(story.exposures.items()):
        times, counts = zip(*course, strict=True)
        axes.plot(times, counts, color=COLOURS[variant], linewidth=2.2)
        axes.fill_between(times, counts, color=COLOURS[variant], alpha=0.1, linewidth=0)
        end = (times[-1], counts[-1])
        text = f"{NAMES[variant]}: {number(counts[-1])}"
        below = (-4, -16) if variant == "off" else (-4, 7)
        note(axes, text, end, below, ha="right", color=COLOURS[variant])
    for at, _ in story.changes[1:-1]:
        count = max(value for time, value in story.exposures["on"] if time <= at)
        note(axes, number(count), (at, count), (-4, 4), ha="right", color=COLOURS["on"])
    axes.set_ylim(0, 1.25 * max(value for c in story.exposures.values() for _, value in c))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def number(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\N{NO-BREAK SPACE}")


def errors(axes: Axes, story: Story) -> None:
    heading(
        axes,
        "How many requests of each variant fail",
        "shop_requests_total{variant, code}, which the shop counts with a ten-line hook",
    )
    for variant, course in sorted(story.error_ratio.items(), reverse=True):
        times, ratios = zip(*course, strict=True)
        axes.plot(times, ratios, color=COLOURS[variant], linewidth=2.2, clip_on=False)
    worst = max(ratio for _, ratio in story.error_ratio["on"])
    rising = next(point for point in story.error_ratio["on"] if point[1] > worst / 2)
    note(axes, "on", rising, (-8, 0), ha="right", color=COLOURS["on"])
    note(axes, "off", story.error_ratio["off"][-1], (-4, 6), ha="right", color=COLOURS["off"])
    axes.set_ylim(0, 1.4 * max(value for c in story.error_ratio.values() for _, value in c))
    axes.yaxis.set_major_locator(MultipleLocator(0.2))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def annotate(upper: Axes, lower: Axes, story: Story) -> None:
    """Marks each change of the flag, and the time in which the alert fires."""
    top = {"xycoords": ("data", "axes fraction"), "va": "top"}
    last = story.changes[-1]
    for at, percent in story.changes:
        text = f"back to {percent} %" if (at, percent) == last else f"{percent} %"
        for axes in (upper, lower):
            axes.axvline(at, color=INK, linewidth=1, linestyle=(0, (3, 3)))
        note(upper, text, (at, 1), (5, -3), **top)
    begin, end = story.alert
    lower.axvspan(begin, end, color=ALARM, alpha=0.09, linewidth=0)
    note(lower, "the alert fires", (end, 1), (-5, -3), ha="right", color=ALARM, **top)
