"""One live trace as an HTML page: the same tree as in a terminal, with all lines of its texts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from llmops_git.reports.clean import clean
from llmops_git.reports.trace_text import live_title, render_trace
from llmops_git.traces.span import Span
from llmops_git.traces.tree import trees_of

_WIDTH = 160  # columns
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<title>{title} · llmops-git</title><style>{style}</style></head>
<body><main><p><a href="../">Dashboard</a></p><h1><code>{title}</code></h1>
<div class="wide"><pre style="white-space:pre">{text}</pre></div></main></body></html>
"""


def render_trace_page(spans: Sequence[Span]) -> str:
    """The page of one trace's spans (at least one). Every text is escaped, invisible characters are codes."""
    style = (files(__package__) / "report.css").read_text(encoding="utf-8")
    trees = (render_trace(node, title=live_title(node), width=_WIDTH, full=True) for node in trees_of(spans))
    title = escape(clean(spans[0].trace_id))
    return _PAGE.format(title=title, style=style, text=escape("\n\n".join(trees)))
