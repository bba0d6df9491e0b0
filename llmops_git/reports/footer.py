"""The last line of a comment: what the change was held against, how old that is, and where the rest can be found."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from llmops_git.evals.gate import gating_comparisons
from llmops_git.evals.values import Comparison
from llmops_git.reports import numbers
from llmops_git.reports.names import short_digest, short_name
from llmops_git.reports.phrases import Name, Phrase, join
from llmops_git.reports.values import ConfigReport, Report

_URL = re.compile(r"https?://[^\s<>\"'`\\\x00-\x1f\x7f]{1,2000}")
_OLD = timedelta(hours=1)  # younger than this is measured beside the change
_DAY = timedelta(days=1)


def baseline(report: Report) -> Phrase:
    """`base 1a2b3c4d5, measured 3 days earlier · eval set e7e7e7e7e7e7`: as much of it as is true of all configs."""
    found = [held for config in report.configs for held in [_held_against(config)] if held is not None]
    bases = {_base(config, comparison, report): None for config, comparison in found}
    sets = {comparison.eval_digest: None for _, comparison in found}
    parts: list[Phrase] = [next(iter(bases))] if len(bases) == 1 else []
    if len(sets) == 1:
        parts.append(("eval set ", Name(short_digest(next(iter(sets))))))
    return join(parts, " \u00b7 ")


def links_line(links: Mapping[str, str]) -> str:
    """Links in HTML, by the name that is shown. Raises ValueError for an address that is not plain http(s)."""
    return " \u00b7 ".join(f'<a href="{_address(url)}">{html.escape(name)}</a>' for name, url in links.items() if url)


def age_in_words(age: timedelta) -> str:
    """`5 hours`, `3 days`: whole units, rounded down."""
    if age < _DAY:
        return numbers.count(int(age / timedelta(hours=1)), "hour")
    return numbers.count(age.days, "day")


def _address(url: str) -> str:
    if not _URL.fullmatch(url):
        raise ValueError(f"not an address that a comment can link to: {url!r}")
    return html.escape(url)


def _held_against(config: ConfigReport) -> tuple[ConfigReport, Comparison] | None:
    return next(
        ((config, one) for one in gating_comparisons(config.comparisons) if one.against != "nothing" and one.base_name), None
    )


def _base(config: ConfigReport, comparison: Comparison, report: Report) -> Phrase:
    age = _age(config, comparison, report)
    measured = f", measured {age_in_words(age)} earlier" if age is not None and age >= _OLD else ""
    return ("base ", Name(short_name(comparison.base_name)), measured)


def _age(config: ConfigReport, comparison: Comparison, report: Report) -> timedelta | None:
    """How long before this evaluation the base was measured."""
    wanted = (comparison.base_digest, comparison.eval_digest)
    started = [run.started_at for run in config.runs if (run.config_digest, run.eval_digest) == wanted]
    try:
        now = datetime.fromisoformat(str(report.how.get("started_at", "")))
        return now - min(datetime.fromisoformat(text) for text in started)
    except (ValueError, TypeError):  # no time, or one without a zone
        return None
