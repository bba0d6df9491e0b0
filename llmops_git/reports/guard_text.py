"""What packs came to on their suites, and what rules do live, as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmops_git.evals.guard_gate import Rate
from llmops_git.guardrails.measure import Count, RuleCount, TextResult
from llmops_git.monitoring.guard_rates import GuardRate
from llmops_git.reports.escape import one_line
from llmops_git.reports.style import Align, Paint, Style, columns

NONE = "-"
_STATES: dict[str, tuple[str, Style]] = {"met": ("met", "green"), "open": ("open", "yellow"), "broken": ("broken", "red")}
_MARKS: dict[str, Style] = {"dead": "yellow", "undecided": "red", "silent": "yellow"}


def rate_lines(rates: Sequence[Rate], *, alpha: float, paint: Paint) -> list[str]:
    """A table of families, each with the exact interval of its rate and the floor or ceiling it is held to."""
    inside = f"{100 * (1 - 2 * alpha):.4g} % interval"
    cells = [["", "texts", "caught", "undecided", "rate", inside, "held to"]]
    cells += [
        [one_line(rate.count.name), f"{rate.count.texts:,}", f"{rate.count.hits:,}", f"{rate.count.undecided:,}",
         percent(rate.rate), interval(rate.low, rate.high), _bound(rate)]
        for rate in rates
    ]  # fmt: skip
    states = [_painted(rate.state, _STATES, paint) for rate in rates]
    return _table(cells, states, paint)


def rule_lines(rules: Sequence[RuleCount], paint: Paint) -> list[str]:
    """A table of rules, each on its own."""
    cells = [["rule", "action", "attacks found", "false alarms", "undecided"]]
    cells += [
        [one_line(rule.rule), rule.action, _share(rule.attacks), _share(rule.benign),
         f"{rule.attacks.undecided + rule.benign.undecided:,}"]
        for rule in rules
    ]  # fmt: skip
    return _table(cells, [""] * len(rules), paint)


def wrong_lines(results: Iterable[TextResult], limit: int, width: int) -> list[str]:
    """Texts that a pack was wrong about, or came to no answer on, at most `limit`; each on one line."""
    found = [
        result for result in results if (result.state == "caught") is not result.text.attack or result.state == "undecided"
    ]
    lines = []
    for result in found[:limit]:
        word = {"caught": "false alarm", "passed": "missed", "undecided": "undecided"}[result.state]
        name = one_line(result.text.id)
        why = f" ({one_line(', '.join(result.hits))})" if result.state == "caught" else ""
        head = f"    {word}  {name}{why}: "
        lines.append(head + one_line(result.text.text, max(20, width - len(head))))
    if limit and len(found) > limit:
        lines.append(f"    and {len(found) - limit:,} more")
    return lines


def live_lines(rates: Sequence[GuardRate], paint: Paint) -> list[str]:
    """A table of what rules do in production; a sentence where there is nothing to say of any."""
    if not rates:
        return ["no guardrail ran in this time, and the work tree has none"]
    groups = [name for name in ("rule", "release", "day") if any(getattr(rate, name) for rate in rates)]
    cells = [["pack", *groups, "looks", "block", "redact", "flag", "shadow", "error", "rate", "95 % interval"]]
    for rate in rates:
        counts = (rate.evaluations, rate.blocked, rate.redacted, rate.flagged, rate.shadow, rate.errors)
        cells.append(
            [one_line(rate.pack), *(one_line(getattr(rate, name)) for name in groups), *(f"{count:,}" for count in counts),
             percent(rate.rate), interval(rate.low, rate.high)]
        )  # fmt: skip
    marks = [paint(rate.mark, _MARKS[rate.mark]) if rate.mark else "" for rate in rates]
    return _table(cells, marks, paint, left=1 + len(groups))


def percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f} %"


def interval(low: float | None, high: float | None) -> str:
    return NONE if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f} %"


def _bound(rate: Rate) -> str:
    if rate.bound is None:
        return NONE
    return f"{'at least' if rate.count.attack else 'at most'} {100 * rate.bound:.4g} %"


def _share(count: Count) -> str:
    return f"{count.hits:,} of {count.decided:,}" if count.decided else NONE


def _painted(state: str, words: dict[str, tuple[str, Style]], paint: Paint) -> str:
    if state not in words:
        return ""
    word, style = words[state]
    return paint(word, style)


def _table(cells: list[list[str]], ends: Sequence[str], paint: Paint, *, left: int = 1) -> list[str]:
    """Aligned columns, the first `left` of them to the left, each line with its own end."""
    right: list[Align] = [">"] * (len(cells[0]) - left)
    aligned: list[Align] = ["<"] * left
    laid = columns(cells, [*aligned, *right])
    lines = ["  " + paint(laid[0].rstrip(), "dim")]
    return lines + [f"  {line}  {end}".rstrip() for line, end in zip(laid[1:], ends, strict=True)]
