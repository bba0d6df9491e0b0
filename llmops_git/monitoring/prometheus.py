"""Monitors for Prometheus: what rules see as gauges in its text format, and the rules as alerting rules over these gauges.

A comparison that may be looked at as often as one likes cannot be written in PromQL: such a rule is exported as the gauge that
says whether it fires. A plain comparison with a number is exported as that comparison.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from llmops_git.monitoring.rules import Op, Rule, State

VALUE, ROWS, FIRING, LOOKED = "llmops_rule_value", "llmops_rule_rows", "llmops_rule_firing", "llmops_rules_looked_at_seconds"
_HELP = {
    VALUE: "What the rule's metric is now, in the metric's own unit (shares, milliseconds, US dollars, tokens).",
    ROWS: "How many rows the value was counted over.",
    FIRING: "1 while the rule fires, 0 otherwise.",
    LOOKED: "When the rules were last evaluated, in seconds since 1970.",
}
_OPS: Mapping[Op, str] = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_SEVERITIES = {"error": "critical", "warning": "warning"}
_NO_LABEL = re.compile(r"[^A-Za-z0-9_]", re.ASCII)
STALE = "llmops-monitors-stale"
_STALE_LOOKS = 3  # looks of the slowest rule that may be missed


def gauges(states: Sequence[State], now: datetime) -> str:
    """The text format (version 0.0.4): one sample of each gauge for each rule and group."""
    known = [state for state in states if state.reading.value is not None]
    families: dict[str, list[str]] = {
        VALUE: [_sample(VALUE, state, state.reading.value or 0.0) for state in known],
        ROWS: [_sample(ROWS, state, state.reading.n) for state in known],
        FIRING: [_sample(FIRING, state, int(state.name == "firing")) for state in states],
        LOOKED: [f"{LOOKED} {now.timestamp():.3f}"],
    }
    return "".join(
        f"# HELP {name} {_HELP[name]}\n# TYPE {name} gauge\n" + "".join(f"{line}\n" for line in lines)
        for name, lines in families.items()
        if lines
    )


def alerting_rules(rules: Sequence[Rule]) -> dict[str, Any]:
    """A rule file, as the value that it is in YAML. Times are whole seconds."""
    listed = [_alert(rule) for rule in rules]
    slowest = max((rule.every for rule in rules), default=timedelta(hours=1))
    stale = {
        "alert": STALE,
        "expr": f"time() - {LOOKED} > {_STALE_LOOKS * int(slowest.total_seconds())}",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "monitors were not evaluated for a while", "description": "llmops-git monitor metrics"},
    }
    return {"groups": [{"name": "llmops-git", "rules": [*listed, stale]}]}


def _alert(rule: Rule) -> dict[str, Any]:
    held = (rule.looks - 1) * rule.every
    alert: dict[str, Any] = {"alert": rule.id, "expr": _expression(rule)}
    if held:
        alert["for"] = f"{int(held.total_seconds())}s"
    alert["labels"] = {"severity": _SEVERITIES[rule.severity], "metric": rule.metric.name}
    about = {
        "summary": f"{rule.id}: {rule.metric.name} is {{{{ $value }}}}" if _plain(rule) else f"{rule.id} fires",
        "description": _template_free(rule.description or rule.metric.about),
    }
    alert["annotations"] = about | ({"runbook_url": _template_free(rule.runbook)} if rule.runbook else {})
    return alert


def _plain(rule: Rule) -> bool:
    return not rule.compare.to and not rule.compare.proven and rule.metric.kind != "drift"


def _expression(rule: Rule) -> str:
    chosen = f'{{rule="{_quoted(rule.id)}"}}'
    if not _plain(rule):
        return f"{FIRING}{chosen} == 1"
    return f"{VALUE}{chosen} {_OPS[rule.compare.op]} {rule.compare.value!r} and {ROWS}{chosen} >= {rule.min_count}"


def _sample(name: str, state: State, value: float) -> str:
    labels = ",".join(f'{key}="{_quoted(text)}"' for key, text in _labels(state))
    return f"{name}{{{labels}}} {_number(value)}"


def _labels(state: State) -> Iterator[tuple[str, str]]:
    yield "rule", state.rule.id
    yield "metric", state.rule.metric.name
    for name, value in state.reading.group:
        label = _NO_LABEL.sub("_", name)
        yield (f"guardrail_{label}" if label == "rule" else label), value  # a dimension that is called as our own label


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return json.dumps(value)


def _quoted(text: str) -> str:
    """The inside of a quoted label value."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode("utf-8", "replace").decode()


def _template_free(text: str) -> str:
    """Annotations are templates: what somebody described is none."""
    return text.replace("{{", "{ {").replace("}}", "} }")
