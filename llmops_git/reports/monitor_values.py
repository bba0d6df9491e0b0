"""Values of monitors as people read them: by unit, with intervals; groups and comparisons as words."""

from __future__ import annotations

import math

from llmops_git.monitoring.rules import Group, Reading, Rule

_OPS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
_PERCENT = 100


def shown(value: float | None, unit: str) -> str:
    """`4.2 %`, `1,520 ms`, `$0.0031`, `1,830`."""
    if value is None:
        return "-"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if unit == "share":
        return f"{_number(value * _PERCENT)} %"
    if unit == "usd":
        return f"${_number(value)}"
    return f"{_number(value)} ms" if unit == "ms" else _number(value)


def _number(value: float) -> str:
    """Three significant digits, and every digit before the point."""
    if value and abs(value) < 1000:  # noqa: PLR2004
        return f"{value:.3g}"
    return f"{value:,.0f}"


def group_text(group: Group) -> str:
    """`config=router release=v1.0.1`, or `all traffic`."""
    return " ".join(f"{name}={value or '(none)'}" for name, value in group) or "all traffic"


def reading_text(rule: Rule, reading: Reading) -> str:
    """What was seen, and against what."""
    unit = rule.metric.unit
    interval = ""
    if reading.low is not None and reading.high is not None:
        interval = f" [{shown(reading.low, unit)}, {shown(reading.high, unit)}]"
    text = f"{rule.metric.name} {shown(reading.value, unit)}{interval} of {reading.n:,}"
    if reading.baseline:
        before = f" {shown(reading.baseline_value, unit)}" if reading.baseline_value is not None else ""
        text += f"; {reading.baseline}{before} of {reading.baseline_n:,}"
    return text


def wanted_text(rule: Rule) -> str:
    """When the rule fires."""
    compare, unit = rule.compare, rule.metric.unit
    number = f"{_OPS[compare.op]} {shown(compare.value, unit)}"
    if not compare.to:
        return f"{number}{', beyond chance' if compare.proven else ''}"
    against = "the previous release" if compare.to == "previous_release" else "the window before"
    if rule.metric.kind == "drift":
        return f"{number} from {against}, beyond chance"
    way = {"up": "more than", "down": "less than", "both": "other than"}[compare.direction]
    by = f" by more than {shown(compare.margin, unit)}" if compare.margin else ""
    times = f" by a factor of more than {compare.max_ratio:g}" if compare.max_ratio != 1 else ""
    return f"{way} {against}{by}{times}"
