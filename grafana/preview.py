"""`make dashboards-preview`: pictures of what the panels show, without Grafana.

A real Prometheus scrapes two bridges through the bad minute of tests/prometheus/scene.py; then each
panel's own expressions are asked, and drawn in the panel's own place. It shows the data, not
Grafana: colours and numbers are ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from grafana.__main__ import BOARDS, HERE
from tests.prometheus.expressions import panels, written_out
from tests.prometheus.scene import scene
from tests.prometheus.server import Prometheus

INTO = HERE.parent / "docs" / "images"
STEP_S = 0.5
CELL_IN = (0.5, 0.29)  # width and height of one cell of Grafana's grid
DPI = 92
PAGE, PANEL, LINE, TEXT, FAINT = "#111217", "#181b1f", "#2c3038", "#d0d2dc", "#8e93a3"
COLORS = (
    "#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#5195ce", "#ba43a9", "#8f7ccc",
    "#9ac48a", "#f2c96d", "#65c5db", "#f9934e", "#ea6460", "#82b5d8", "#d683ce", "#aea2e0",
)  # fmt: skip
WORDS = {"green": "#73bf69", "orange": "#ff9830", "red": "#f2495c", "transparent": FAINT}

Series = dict[str, Any]
Panel = dict[str, Any]


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """A number as a person reads it."""
    if decimals is not None and value >= 1:
        value = round(value, decimals)
    if unit == "s":
        if value < 1:
            return f"{value * 1000:.3g} ms"
        return f"{value:.3g} s" if value < 120 else f"{value / 60:.3g} min"
    if unit == "bytes":
        return f"{value / 1e6:.3g} MB" if value >= 1e6 else f"{value / 1e3:.3g} kB"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    text = f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.3g}"
    return text + unit.removeprefix("suffix: ").replace("short", "").replace("none", "")


def name_of(legend: str, labels: Mapping[str, str]) -> str:
    text = re.sub(r"\{\{(\w+)\}\}", lambda m: Path(labels.get(m[1], "")).name, legend)
    return text.strip()


async def ask(client: Prometheus, panel: Panel, start: float, end: float) -> list[Series]:
    """What the panel's targets have over time: name, instants since the start, values."""
    found: list[Series] = []
    for target in panel["targets"]:
        result = await client.over(written_out(target["expr"]), start, end, STEP_S)
        for one in result:
            values = [(float(t) - start, float(v)) for t, v in one["values"]]
            known = [(t, v) for t, v in values if not math.isnan(v)]
            if known:
                name = name_of(target["legendFormat"], one["metric"])
                found.append({"name": name, "labels": one["metric"], "points": known})
    return found


def _filled(series: Sequence[Series], instants: np.ndarray) -> np.ndarray:
    """Values of all series at all instants; 0 where there is none."""
    rows = np.zeros((len(series), len(instants)))
    for row, one in zip(rows, series, strict=True):
        for t, value in one["points"]:
            row[round((t - instants[0]) / STEP_S)] = value
    return rows


def draw_graph(axes: Axes, panel: Panel, series: list[Series], seconds: float) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    custom, unit = defaults["custom"], defaults["unit"]
    instants = np.arange(0, round(seconds / STEP_S) + 1) * STEP_S
    series = sorted(series, key=lambda one: -max(v for _, v in one["points"]))
    at_work = [one for one in series if any(v for _, v in one["points"])]
    series = (at_work or series)[:10]
    names = [one["name"][:34] for one in series]
    if series and custom["stacking"]["mode"] == "normal":  # it cannot draw none
        axes.stackplot(instants, _filled(series, instants), labels=names, colors=COLORS, alpha=0.75)
    elif custom["drawStyle"] == "bars":
        below = np.zeros(len(instants))
        for row, name, color in zip(_filled(series, instants), names, COLORS, strict=False):
            axes.bar(instants, row, STEP_S, below, label=name, color=color, alpha=0.85)
            below += row
    else:
        for one, name, color in zip(series, names, COLORS, strict=False):
            ts, values = zip(*one["points"], strict=True)
            breaks = np.diff(ts, prepend=ts[0]) > 3 * STEP_S
            axes.plot(ts, np.where(breaks, np.nan, values), label=name, color=color, lw=1.4)
            axes.fill_between(ts, values, where=~breaks, color=color, alpha=0.08, lw=0)
    if custom.get("thresholdsStyle"):
        (limit,) = (s["value"] for s in defaults["thresholds"]["steps"] if s["value"] is not None)
        axes.axhline(limit, color=WORDS["red"], lw=1, ls="--")
    axes.set_ylim(0, None if axes.get_ylim()[1] > 0 else 1)
    if names:
        axes.legend(
            loc="upper left", fontsize=6.3, frameon=False, labelcolor=TEXT, ncols=min(2, len(names)),
            handlelength=0.9, columnspacing=0.9, labelspacing=0.2, borderaxespad=0.2,
        )  # fmt: skip
        axes.set_ylim(0, axes.get_ylim()[1] * (1.25 + 0.09 * math.ceil(len(names) / 2)))
    _scales(axes, seconds, unit)


def draw_heatmap(axes: Axes, panel: Panel, series: list[Series], seconds: float) -> None:
    """Buckets are cumulative: each row is the difference to the one below."""
    unit = panel["options"]["yAxis"]["unit"]
    instants = np.arange(0, round(seconds / STEP_S) + 1) * STEP_S
    series = sorted(series, key=lambda one: float(one["labels"]["le"]))
    rows = np.diff(_filled(series, instants), axis=0, prepend=0).clip(0)
    rows = np.where(rows < 0.5, np.nan, rows)
    axes.pcolormesh(
        instants, np.arange(len(series)), rows**0.5, cmap="Oranges_r", shading="nearest"
    )
    labels = [one["labels"]["le"] for one in series]
    every = 2 if len(labels) > 9 else 1
    axes.set_yticks(
        range(0, len(labels), every),
        ["inf" if x == "+Inf" else shown(float(x), unit) for x in labels[::every]],
    )
    axes.set_xlim(0, seconds)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{t:.0f} s"))


def draw_stat(axes: Axes, panel: Panel, series: list[Series], seconds: float) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    axes.axis("off")
    last = [one for one in series if one["points"][-1][0] >= seconds - 5]
    text, color = defaults.get("noValue", "–"), FAINT
    if last:
        value = last[0]["points"][-1][1]
        words = {k: v for m in defaults["mappings"] for k, v in m["options"].items()}
        word = words.get(f"{value:.0f}")
        text = word["text"] if word else shown(value, defaults["unit"], defaults.get("decimals"))
        if panel["options"]["textMode"] == "value_and_name":
            text = f"{last[0]['name']}: {text}"
        steps = [
            s for s in defaults["thresholds"]["steps"] if s["value"] is None or s["value"] <= value
        ]
        color = WORDS[word["color"] if word else steps[-1]["color"]]
    size = 17 if len(text) < 9 else 12
    axes.text(0.5, 0.5, text, color=color, fontsize=size, ha="center", va="center", weight="bold")


def draw_table(axes: Axes, _: Panel, series: list[Series], seconds: float) -> None:
    axes.axis("off")
    now = [one["labels"] for one in series if one["points"][-1][0] >= seconds - 2]
    order = {"firing": 0, "pending": 1}
    rows = sorted(now, key=lambda x: (order[x["alertstate"]], x["severity"], x["alertname"]))
    for n, labels in enumerate(rows[:13]):
        y = 0.97 - n / 13
        about = (
            labels.get("account") or Path(labels.get("sink", "")).name or labels.get("instance", "")
        )
        for x, text, color in (
            (0.01, labels["alertname"], "#6e9fff"),
            (
                0.50,
                labels["alertstate"],
                WORDS["red" if labels["alertstate"] == "firing" else "orange"],
            ),
            (0.63, labels["severity"], TEXT),
            (0.78, about, TEXT),
        ):
            axes.text(x, y, text, color=color, fontsize=7, va="top")


DRAW: Mapping[str, Callable[[Axes, Panel, list[Series], float], None]] = {
    "timeseries": draw_graph, "heatmap": draw_heatmap, "stat": draw_stat, "table": draw_table,
}  # fmt: skip


def _scales(axes: Axes, seconds: float, unit: str) -> None:
    axes.set_xlim(0, seconds)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: shown(v, unit)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{t:.0f} s"))
    axes.grid(visible=True, color=LINE, lw=0.6)
    axes.set_axisbelow(True)


def draw(
    board: Mapping[str, Any], found: Mapping[int, list[Series]], seconds: float, to: Path
) -> None:
    """The whole dashboard as one picture."""
    places = [panel["gridPos"] for panel in board["panels"]]
    lines = max(place["y"] + place["h"] for place in places) + 2
    figure = pyplot.figure(figsize=(24 * CELL_IN[0], lines * CELL_IN[1]), dpi=DPI, facecolor=PAGE)
    width, height = 1 / 24, 1 / lines
    figure.text(
        0.008, 1 - height, board["title"], color=TEXT, fontsize=12, va="center", weight="bold"
    )
    for panel in board["panels"]:
        place = panel["gridPos"]
        left, top = place["x"] * width, 1 - (place["y"] + 2) * height
        if panel["type"] == "row":
            figure.text(
                left + 0.008,
                top - height / 2,
                panel["title"],
                color=TEXT,
                fontsize=9.5,
                va="center",
            )
            continue
        box = (left + 0.003, top - (place["h"] - 0.2) * height,
               place["w"] * width - 0.006, (place["h"] - 0.2) * height)  # fmt: skip
        figure.add_artist(
            pyplot.Rectangle(
                box[:2], box[2], box[3], facecolor=PANEL, edgecolor=LINE, lw=0.8, zorder=-1
            )
        )
        figure.text(
            box[0] + 0.006, top - 0.55 * height, panel["title"], color=TEXT, fontsize=8, va="center"
        )
        bare = panel["type"] in ("stat", "table")
        axes = figure.add_axes((
            box[0] + (0.004 if bare else 0.042), box[1] + (0.1 if bare else 0.9) * height,
            box[2] - (0.008 if bare else 0.052), box[3] - (1.1 if bare else 2.0) * height,
        ))  # fmt: skip
        axes.set_facecolor(PANEL)
        axes.tick_params(colors=FAINT, labelsize=6.5, length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        DRAW[panel["type"]](axes, panel, found[panel["id"]], seconds)
    figure.savefig(to, facecolor=PAGE, metadata={"Software": None})
    pyplot.close(figure)
    with Image.open(to) as picture:  # few colours are in it; a palette makes it a third as large
        picture.convert("RGB").quantize(96).save(to, optimize=True)


async def preview(seconds: float, into: Path) -> None:
    boards = {name: json.loads((HERE / f"{name}.json").read_text()) for name in BOARDS}
    found: dict[str, dict[int, list[Series]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        async with scene(Path(directory)) as stage:
            await asyncio.sleep(seconds)
            start, end = stage.started, time.time()
            for name, board in boards.items():
                found[name] = {
                    panel["id"]: await ask(stage.prometheus, panel, start, end)
                    for panel in panels(board)
                }
    for name, board in boards.items():
        draw(board, found[name], end - start, into / f"dashboard-{name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grafana.preview", description=__doc__)
    parser.add_argument("--seconds", type=float, default=75.0, help="of the scene: %(default)s")
    parser.add_argument("--into", type=Path, default=INTO, metavar="DIR")
    options = parser.parse_args()
    mpl.use("agg")
    mpl.rcParams["font.family"] = "DejaVu Sans"
    options.into.mkdir(parents=True, exist_ok=True)
    asyncio.run(preview(options.seconds, options.into))


if __name__ == "__main__":
    main()
