"""One HTML file that needs nothing else: readable on a phone, in the dark, and without its script, which only filters."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from llmops_git.evals.values import Run
from llmops_git.reports.clean import clean
from llmops_git.reports.escape import shorten
from llmops_git.reports.html_cases import Room
from llmops_git.reports.html_parts import SYMBOLS, config_view, inline
from llmops_git.reports.html_steps import NO_TRACES, Traces
from llmops_git.reports.markdown import NO_LINKS
from llmops_git.reports.method import method
from llmops_git.reports.values import Report
from llmops_git.reports.verdicts import headline, next_step, worst_first

if TYPE_CHECKING:
    from jinja2 import Template

_LINK = re.compile(r"https?://[^\s<>\"'`\\\x00-\x1f\x7f]{1,2000}")
_COMMAND = re.compile(r"^([^\S\n]*)::", re.MULTILINE)
_TITLE = 120


def render_html(
    report: Report,
    runs: Sequence[Run],
    *,
    notes: Sequence[str] = (),
    links: Mapping[str, str] = NO_LINKS,
    traces: Traces = NO_TRACES,
) -> str:
    """The report as one HTML document; `runs` (those of the run folder) add all cases and how their differences lie, `traces`
    the steps of those that it has.

    Every text is escaped, and shown with its control and invisible characters as codes. The policy in the page allows its own
    style and script and nothing else. Raises ValueError for a link that is not plain http(s).
    """
    style, script = (_asset(name) for name in ("report.css", "report.js"))
    room = Room()
    first = headline(report)
    configs = [*worst_first(report.configs), *worst_first(report.guardrails)]
    problems = [*report.problems, *(problem for config in configs for problem in config.change.problems)]
    views = [config_view(config, runs, traces, alone=len(configs) == 1, room=room) for config in configs]
    filtered = any(table["cases"] for view in views for table in view["tables"])
    page = _template()
    text = page.render(
        style=_trusted(style),
        style_hash=_trusted(_hash(style)),
        script=_trusted(script) if filtered else "",
        script_hash=_trusted(_hash(script)),
        title=shorten(f"{first.title} · llmops-git", _TITLE),
        head={"level": first.level, "symbol": SYMBOLS[first.level], "title": first.title, "why": inline(first.why)},
        next_step=inline(next_step(report)),
        notes=list(notes),
        links=[{"name": name, "url": _address(url)} for name, url in links.items() if url],
        problems=[f"{problem}{f' (hint: {problem.hint})' if problem.hint else ''}" for problem in problems],
        configs=views,
        method=[inline(line) for line in method(report)] if configs else [],
    )
    return _COMMAND.sub(r"\1&#58;&#58;", text.replace("##[", "#&#35;[")) + "\n"


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown)
    return environment.from_string(_asset("report.html.j2"))


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(value: Any) -> Any:
    """What the template prints: text cleaned (and then escaped), what is HTML already as it is."""
    return value if not isinstance(value, str) or hasattr(value, "__html__") else clean(value)


def _trusted(text: str) -> str:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - our own style sheet and script, and their digests


def _address(url: str) -> str:
    if not _LINK.fullmatch(url):
        raise ValueError(f"not an address that a report can link to: {url!r}")
    return url
