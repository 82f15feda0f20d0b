"""Renders a `View` for `top` with rich. Pure, except for the console it prints to."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from bridge.cli.top.reading import View, id_of, is_run
from bridge.core import marks
from bridge.core.counted import counted
from bridge.core.status import State
from bridge.wire import times

PICTURE_COLUMNS: Final = 120
PICTURE_LINES: Final = 40
_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}\s*")
_BAR_CELLS: Final = 10
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:/.*)?", re.ASCII | re.DOTALL)
_ID_CHARS_MAX: Final = 20
_STATE_STYLES: Final = {"following": "green", "failed": "bold red", "stopped": "dim"}
_KEYS: Final = "q quit  s sort  r reverse  a all/followed  / filter  ↑↓ scroll"
_SORT: Final[dict[str, Callable[[Mapping[str, Any]], Any]]] = {
    "lag": lambda run: -(run.get("lagSeconds") or 0.0),
    "events": lambda run: -(run.get("events") or 0),
    "status": lambda run: str(run.get("status")),
    "age": lambda run: str(run.get("addedAt")),
}
_FIXED_LINES: Final = 9  # head 2, blanks 3, headers of accounts and runs 2, title 1, keys 1
_FAILURES_FROM_LINES: Final = 20  # with fewer lines the runs need the space


@dataclass(slots=True)
class ViewOptions:
    """What the user selected with keys and options."""

    sort: str = "lag"
    is_reversed: bool = False
    shows_all: bool = True  # also ended, failed and stopped feeds
    text: str = ""
    scroll: int = 0  # rows skipped from the top
    typing: str | None = None  # a filter that is being typed
    trouble: str | None = None  # why the view is old


def selected(view: View, options: ViewOptions) -> list[Mapping[str, Any]]:
    """The feeds to show in order, followed ones first."""
    text = options.text.lower()
    runs = [
        run
        for run in view.runs
        if (options.shows_all or run.get("state") == "following")
        and (not text or any(text in str(value).lower() for value in run.values()))
    ]
    runs.sort(key=_SORT[options.sort], reverse=options.is_reversed)
    runs.sort(key=lambda run: run.get("state") != "following")
    return runs


def render(view: View, options: ViewOptions, *, lines: int | None = None) -> RenderableType:
    """Render everything; with `lines`, as many runs as fit into that many lines."""
    runs, failures = selected(view, options), view.failures()
    accounts, sinks = view.of_kind("account"), view.of_kind("sink")
    trouble, room = _troubles(view, options), len(runs)
    if lines is not None:
        failures = failures[: lines // 8] if lines >= _FAILURES_FROM_LINES else []
        accounts, sinks, trouble = (
            _worst(accounts, lines // 6), _worst(sinks, lines // 6), trouble[: lines // 6]
        )  # fmt: skip
        taken = len(accounts) + sum(len(table) + 2 for table in (sinks, failures) if table)
        room = max(1, lines - _FIXED_LINES - taken - len(trouble))
        options.scroll = max(0, min(options.scroll, len(runs) - room))
    parts: list[RenderableType] = [_head(view), *trouble, Text(""), _accounts(accounts)]
    if sinks:
        parts += [Text(""), _sinks(sinks)]
    parts += [Text(""), *_runs(runs, options, room, view.at_s)]
    if failures:
        parts += [Text(""), _failures(failures)]
    if lines is not None:
        parts += [Text(""), _last_line(options)]
    return Group(*parts)


def _worst(checks: Mapping[str, Mapping[str, Any]], count: int) -> dict[str, Mapping[str, Any]]:
    """At most `count` checks, those that fail or lag first."""
    items = sorted(checks.items(), key=lambda item: (bool(item[1].get("ok")), -_lag(item[1])))
    return dict(items[:count])


def _lag(check: Mapping[str, Any]) -> int:
    return int(check.get("lag") or 0)


def plain(view: View, options: ViewOptions) -> str:
    """A table for a pipe or a terminal; colored if the terminal supports it."""
    console = Console()
    width = console.width if console.is_terminal else 140
    out = Console(file=io.StringIO(), width=width, no_color=console.no_color or None,
                  force_terminal=console.is_terminal, highlight=False)  # fmt: skip
    with out.capture() as capture:
        out.print(render(view, options))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def picture(view: View, options: ViewOptions) -> str:
    """The same table as an SVG."""
    console = Console(
        record=True, width=PICTURE_COLUMNS, file=io.StringIO(), force_terminal=True,
        color_system="truecolor", highlight=False,
    )  # fmt: skip
    console.print(render(view, options, lines=PICTURE_LINES))
    # Without rich's web fonts: a viewer of the picture must not send requests elsewhere.
    return _FONT_FACE.sub("", console.export_svg(title="mogplex-bridge top"))


def _head(view: View) -> Text:
    is_ok = all(check.get("ok") for check in view.checks.values())
    text = _line("")
    text.append(f"mogplex-bridge {_safe(view.version)}", style="bold")
    text.append(f"  {view.url}  ")
    text.append(*(("healthy", "green") if is_ok else ("has problems", "bold yellow")))
    if view.up_s is not None:
        text.append(f"  up {_duration(view.up_s)}")
    rate = "" if view.records_per_s is None else f" ({view.records_per_s:.1f}/s)"
    text.append(f"\nrecords {view.head:,}{rate}  journal {_size(view.journal_bytes)}  streams")
    open_ = {name: count for name, count in view.streams.items() if name != "page"}
    text.append(f" {sum(open_.values())}")
    if any(open_.values()):
        text.append(f" ({', '.join(f'{count} {name}' for name, count in open_.items() if count)})")
    return text


def _troubles(view: View, options: ViewOptions) -> list[Text]:
    """Why the view is old, and failures that no table shows."""
    trouble = [_line(_safe(options.trouble), style="bold white on red")] if options.trouble else []
    return trouble + [
        _line(_safe(f"{name}: {check.get('detail')}"), style="bold red")
        for name, check in view.checks.items()
        if not check.get("ok") and not name.startswith(("account ", "sink "))
    ]


def _line(text: str, style: str = "") -> Text:
    """One line that is cut instead of wrapped."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _safe(value: object) -> str:
    """Escape control characters, so that upstream's words cannot move the cursor."""
    text = str(value)
    return (
        text
        if text.isprintable()
        else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    )


def _table(*columns: tuple[str, str]) -> Table:
    """Columns as (title, "left", "right" or "fold")."""
    table = Table(box=None, pad_edge=False, expand=True, header_style="bold cyan")
    for title, how in columns:
        if how == "fold":
            table.add_column(title, ratio=1, no_wrap=True, overflow="ellipsis")
        else:
            least = 8 if title in ("RUN", "ID", "FAILING") else None  # enough to recognize an id
            justify: JustifyMethod = "right" if how == "right" else "left"
            table.add_column(title, justify=justify, no_wrap=True, min_width=least)
    return table


def _accounts(accounts: Mapping[str, Mapping[str, Any]]) -> Table:
    table = _table(
        ("ACCOUNT", "left"), ("WINDOW", "left"), ("REFUSED", "right"), ("OTHERS", "right"),
        ("STATE", "fold"),
    )  # fmt: skip
    for name, check in accounts.items():
        used, budget = int(check.get("windowRequests", 0)), int(check.get("budgetRequests", 0))
        assumed = int(check.get("assumedRequests", 0))
        table.add_row(
            name,
            _bar(used, budget, assumed),
            str(check.get("refusals", 0)),
            f"{float(check.get('foreignRequests', 0)):.0f}",
            _verdict(check),
        )
    return table


def _bar(used: int, budget: int, assumed: int) -> Text:
    """The used share of the budget; requests that are only assumed are marked."""
    share = min(1.0, used / budget) if budget else 1.0
    cells = round(share * _BAR_CELLS)
    style = "green" if share <= 0.8 else "yellow"  # a full budget is good use, not an error
    return Text.assemble(
        ("█" * cells, style),
        ("░" * (_BAR_CELLS - cells), "dim"),
        f" {used}/{budget}{f' ({assumed} assumed)' if assumed else ''}",
    )


def _sinks(sinks: Mapping[str, Mapping[str, Any]]) -> Table:
    table = _table(("OUTPUT", "left"), ("BEHIND", "right"), ("STATE", "fold"))
    for name, check in sinks.items():
        table.add_row(Text(_safe(name)), f"{_lag(check):,}", _verdict(check))
    return table


def _verdict(check: Mapping[str, Any]) -> Text:
    return Text(_safe(check.get("detail", "")), style="" if check.get("ok") else "bold red")


def _runs(
    runs: Sequence[Mapping[str, Any]], options: ViewOptions, room: int, view_s: float
) -> tuple[RenderableType, RenderableType]:
    has_others = not all(map(is_run, runs))  # then the column of kinds is useful
    kind: tuple[tuple[str, str], ...] = (("KIND", "left"),) if has_others else ()
    table = _table(
        *kind, ("ID" if has_others else "RUN", "left"), ("ACCOUNT", "left"), ("STATE", "left"),
        ("STATUS", "left"), ("BY", "left"), ("EVENTS", "right"), ("GAPS", "right"),
        ("LAG", "right"), ("TITLE", "fold"), ("NOW", "fold"),
    )  # fmt: skip
    shown = runs[options.scroll : options.scroll + room]
    for run in shown:
        state, gaps = str(run.get("state")), int(run.get("gaps") or 0)
        table.add_row(
            *((Text(_safe(run.get("kind", "run"))),) if has_others else ()),
            Text(_short(run)),
            Text(_safe(run.get("account"))),
            Text(_safe(state), style=_STATE_STYLES.get(state, "")),
            Text(_safe(run.get("status") or (run.get("phase") if run.get("events") else "–"))),
            Text(_safe(run.get("followedBy") or "–")),
            f"{int(run.get('events') or 0):,}",
            Text(str(gaps), style="bold yellow" if gaps else ""),
            _seconds(run.get("lagSeconds")),
            Text(_safe(run.get("title") or "")),
            _now(run, view_s),
        )
    what = counted(len(runs), "feed" if has_others else "run")
    title = f"{what} by {options.sort}{' reversed' if options.is_reversed else ''}"
    if options.text:
        title += f", with “{_safe(options.text)}”"
    if len(shown) < len(runs):
        title += f", {len(runs) - len(shown)} not shown"
    return _line(title, style="bold"), table


def _short(feed: Mapping[str, Any]) -> str:
    """A feed's id: the beginning of a long random one, the whole name of a space."""
    id_ = _safe(id_of(feed))
    return id_[: 8 if _UUID.fullmatch(id_) else _ID_CHARS_MAX]


def _now(run: Mapping[str, Any], view_s: float) -> Text:
    """The last column of a run: its failure, the reason of its end, or the running tool."""
    failure, tool = run.get("lastFailure"), run.get("currentTool")
    if failure:
        return Text(_safe(failure.get("code") or ""), style="red")
    state = marks.state_in({"state": run.get("phase"), "status": run.get("status")})
    if run.get("error") and state is not State.SUCCEEDED:
        return Text(_safe(run["error"]), style="red")
    if not isinstance(tool, Mapping):
        who = run.get("lastSpeaker")  # of a space; a run's messages are long and partial
        said = run.get("lastText") if who or not is_run(run) else None
        return Text(_safe(": ".join(str(part) for part in (who, said) if part)))
    since = times.seconds(tool.get("since"))
    lasts = "" if since is None else f"{_duration(max(0.0, view_s - since))} "
    return Text(_safe(f"{lasts}{tool.get('name')} {tool.get('title') or ''}".rstrip()))


def _failures(failures: Sequence[Mapping[str, Any]]) -> Table:
    table = _table(("FAILING", "left"), ("CODE", "left"), ("MESSAGE", "fold"))
    for run in failures:
        failure = run["lastFailure"]
        table.add_row(
            Text(_short(run)),
            Text(_safe(failure.get("code"))),
            Text(_safe(failure.get("message") or "")),
        )
    return table


def _last_line(options: ViewOptions) -> Text:
    if options.typing is not None:
        return _line(f"filter: {_safe(options.typing)}▏(Enter applies, Esc cancels)", "bold")
    return _line(_KEYS, style="dim")


def _seconds(value: float | None) -> str:
    return "–" if value is None else _duration(value) if value >= 60 else f"{value:.1f}s"


def _duration(seconds: float) -> str:
    whole = int(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= size:
            smaller = {"d": ("h", 3600), "h": ("m", 60), "m": ("s", 1)}[unit]
            return f"{whole // size}{unit}{whole % size // smaller[1]}{smaller[0]}"
    return f"{whole}s"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
