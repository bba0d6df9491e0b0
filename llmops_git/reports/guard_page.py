"""One HTML file in which a person says of live texts whether a guardrail should have acted: its own script and style, no load,
no network. Texts are data, put into the page as text by the script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmops_git.reports.clean import clean
from llmops_git.reports.embedded_data import page_with_data
from llmops_git.reports.review_text import shown


def render_guard_review(pack: str, rows: Sequence[dict[str, Any]], *, name: str, place: str) -> str:
    """The page for suite lines without a label (`rows`). `name` is the download's, `place` the suite that it belongs into."""
    items = [{"row": row, "shown": shown(row["text"]), "side": row.get("side", "")} for row in rows]
    data = {"pack": pack, "title": clean(f"Guardrail {pack}"), "name": name, "place": place, "items": items}
    return page_with_data("guard_review.html", styles=("report.css", "review.css"), script="guard_review.js", data=data)
