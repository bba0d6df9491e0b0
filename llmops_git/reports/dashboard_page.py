"""The dashboard as one HTML file: its own script and style, no load, no network. Names are numbered; texts are data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from llmops_git.monitoring.board.values import THEMES, Board, Line, Panel
from llmops_git.monitoring.metrics import Metric, metric_of
from llmops_git.reports.clean import clean
from llmops_git.reports.embedded_data import page_with_data

_LONGEST = 200  # characters of a name


def render_dashboard(board: Board, *, store: str, environment: str = "", live: bool = False) -> str:
    """The page. `live`: it is served, and each trace has an address beside it."""
    return page_with_data(
        "dashboard.html",
        styles=("report.css", "dashboard.css"),
        script="dashboard.js",
        data=_document(board, store=store, environment=environment, live=live),
    )


def _document(board: Board, *, store: str, environment: str, live: bool) -> dict[str, Any]:
    configs = _Names(_by_traffic(board))
    releases, features = _Names(), _Names()
    lines = [_line(line, configs, releases, features) for line in board.lines]
    examples: dict[str, list[list[Any]]] = {}
    for one in board.examples:
        place = [_seconds(one.moment), configs.of(one.config), releases.of(one.release), features.of(one.feature)]
        examples.setdefault(_shown(one.pick), []).append([*place, one.trace_id, _seconds(one.ts), one.value])
    document = {
        "since": _seconds(board.since),
        "until": _seconds(board.until),
        "from": board.since.strftime("%Y-%m-%d %H:%M"),
        "to": board.until.strftime("%Y-%m-%d %H:%M"),
        "bucket": board.bucket,
        "spans": board.spans,
        "store": _shown(store),
        "environment": _shown(environment),
        "live": live,
        "notes": list(board.notes),
        "themes": list(THEMES.items()),
        "panels": [_panel(panel) for panel in board.panels],
        "lines": lines,
        "releaseMetrics": [_heading(metric_of(name)) for name in board.release_metrics],
        "releaseRows": [
            {
                "c": configs.of(row.config),
                "r": releases.of(row.release),
                "first": _seconds(row.first),
                "last": _seconds(row.last),
                "requests": row.requests,
                "values": [row.values[name] for name in board.release_metrics],
            }
            for row in board.releases
        ],
        "users": [
            [configs.of(row.config), _shown(row.user), row.requests, row.errors, row.cost_usd, row.tokens, row.thumbs_down]
            for row in board.users
            if row.config in configs.known
        ],
        "examples": examples,
        "steps": {
            trace: [[_shown(step.name), step.depth, step.duration_ms, _shown(step.facts), step.failed] for step in steps]
            for trace, steps in board.steps.items()
        },
        "markers": [
            [configs.of(marker.config), releases.of(marker.release), _seconds(marker.moment), marker.what]
            for marker in board.markers
            if marker.config in configs.known
        ],
    }
    return document | {"configs": configs.shown(), "releases": releases.shown(), "features": features.shown()}


class _Names:
    """Numbers for names, in the order in which they are first asked for."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.known: dict[str, int] = {}
        for name in names:
            self.of(name)

    def of(self, name: str) -> int:
        return self.known.setdefault(name, len(self.known))

    def shown(self) -> list[str]:
        return [_shown(name) for name in self.known]


def _by_traffic(board: Board) -> list[str]:
    requests: dict[str, float] = {}
    for row in board.releases:
        requests[row.config] = requests.get(row.config, 0.0) + row.requests
    return sorted(requests, key=lambda name: (-requests[name], name))


def _panel(panel: Panel) -> dict[str, Any]:
    metric = metric_of(panel.metrics[0])
    return {
        "title": _shown(panel.title),
        "theme": panel.theme,
        "metrics": list(panel.metrics),
        "unit": metric.unit,
        "about": _shown(metric.about),
        "pick": _shown(panel.pick),
    }


def _heading(metric: Metric) -> dict[str, Any]:
    title = metric.name.removeprefix("score.").removeprefix("signal.").replace("_", " ").replace(".", " ")
    return {"title": _shown(title), "unit": metric.unit, "worse": metric.worse}


def _line(line: Line, configs: _Names, releases: _Names, features: _Names) -> dict[str, Any]:
    return {
        "p": line.panel,
        "m": line.metric,
        "c": configs.of(line.config),
        "r": releases.of(line.release),
        "f": -1 if line.feature is None else features.of(line.feature),
        "points": [[_seconds(point.moment), point.n, point.value, point.low, point.high] for point in line.points],
    }


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _shown(text: str) -> str:
    return clean(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
