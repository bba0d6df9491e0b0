"""Monitors for Prometheus: gauges and rules that its own promtool takes, whatever strangers called things."""

from __future__ import annotations

import io
import math
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from llmops_git.commands.monitor_export import _as_yaml
from llmops_git.monitoring.metrics import metric_of
from llmops_git.monitoring.prometheus import STALE, alerting_rules, gauges
from llmops_git.monitoring.rules import Compare, Reading, Rule, State

NOW = datetime(2026, 11, 20, tzinfo=UTC)
HOSTILE = 'x"} 1\nllmops_rule_value{rule="forged"} 2 \\ {{ $value }}'
BESIDE = Path(sys.executable).with_name("promtool")
PROMTOOL = str(BESIDE) if BESIDE.exists() else shutil.which("promtool")


def rule(name: str = "slow", metric: str = "latency.p95", compare: Compare | None = None, **more: object) -> Rule:
    return Rule(id=name, metric=metric_of(metric), compare=compare or Compare(op="gt", value=2000.0), **more)


RULES = (
    rule(by=("config", "release"), min_count=100, looks=3, every=timedelta(minutes=30), runbook="https://example.com/{{ x }}"),
    rule("quality", "score.faithful.mean", Compare(to="previous_release", direction="down", margin=0.05), description=HOSTILE),
    rule("few", "guardrail.trigger_rate", Compare(op="lt", value=1e-9, proven=True), severity="warning"),
    rule("drifted", "drift.psi(input_tokens)", Compare(to="previous_release", op="gt", value=0.2)),
    rule("spent", "cost.total", Compare(op="ge", value=50.0)),
)
STATES = (
    State(rule=RULES[0], name="firing", reading=Reading(group=(("config", HOSTILE), ("release", "v1")), value=2500.5, n=120)),
    State(rule=RULES[0], name="ok", reading=Reading(group=(("config", "router"), ("release", "v1")), value=math.inf, n=300)),
    State(rule=RULES[2], name="ok", reading=Reading(group=(("rule", "pii/email"),), value=0.25, n=7)),
    State(rule=RULES[4], name="no data", reading=Reading(group=(), value=None, n=0)),
)


def test_what_a_stranger_called_a_thing_is_a_label_and_no_sample() -> None:
    lines = [line for line in gauges(STATES, NOW).splitlines() if not line.startswith("#")]
    assert 3 + 3 + 4 + 1 == len(lines)
    assert [] == [line for line in lines if line.startswith('llmops_rule_value{rule="forged"')]
    assert 'llmops_rule_value{rule="few",metric="guardrail.trigger_rate",guardrail_rule="pii/email"} 0.25' in lines
    assert 'llmops_rule_firing{rule="spent",metric="cost.total"} 0' in lines
    assert f"llmops_rules_looked_at_seconds {NOW.timestamp():.3f}" in lines


def test_a_number_is_compared_in_promql_and_the_rest_by_whether_it_fires() -> None:
    rules = {one["alert"]: one for one in alerting_rules(RULES)["groups"][0]["rules"]}
    assert 'llmops_rule_value{rule="slow"} > 2000.0 and llmops_rule_rows{rule="slow"} >= 100' == rules["slow"]["expr"]
    assert "3600s" == rules["slow"]["for"]
    for name in ("quality", "few", "drifted"):
        assert f'llmops_rule_firing{{rule="{name}"}} == 1' == rules[name]["expr"]
    assert "for" not in rules["spent"]
    assert ("critical", "warning") == (rules["slow"]["labels"]["severity"], rules["few"]["labels"]["severity"])
    assert "{{" not in rules["quality"]["annotations"]["description"]
    assert STALE in rules


def test_the_file_is_yaml_that_says_the_same() -> None:
    assert alerting_rules(RULES) == YAML(typ="safe").load(io.StringIO(_as_yaml(RULES)))


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool")
def test_promtool_takes_the_rules_and_the_gauges(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(_as_yaml(RULES))
    done = subprocess.run([str(PROMTOOL), "check", "rules", file], capture_output=True, text=True, check=False)
    assert (0, f"{len(RULES) + 1} rules found") == (done.returncode, done.stdout.strip().partition("SUCCESS: ")[2]), done.stderr
    done = subprocess.run(
        [str(PROMTOOL), "check", "metrics"], input=gauges(STATES, NOW), capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool")
def test_promtool_sees_an_alert_where_a_rule_fires(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(_as_yaml(RULES))
    sample = 'llmops_rule_{0}{{rule="slow",metric="latency.p95",config="router"}}'
    (tmp_path / "test.yml").write_text(f"""
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {{series: '{sample.format("value")}', values: '2500x200'}}
      - {{series: '{sample.format("rows")}', values: '99x60 150x200'}}
    alert_rule_test:
      - {{eval_time: 30m, alertname: slow, exp_alerts: []}}
      - eval_time: 190m
        alertname: slow
        exp_alerts:
          - exp_labels: {{severity: critical, rule: slow, metric: latency.p95, config: router}}
            exp_annotations:
              summary: 'slow: latency.p95 is 2500'
              description: 'time of a whole request: 95 % are at most this'
              runbook_url: 'https://example.com/{{ {{ x }} }}'
""")
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


@given(st.text(max_size=40), st.floats(allow_nan=True), st.integers(0, 10**9))
def test_every_name_and_number_is_one_line(name: str, value: float, n: int) -> None:
    reading = Reading(group=(("config", name),), value=value, n=n)
    lines = gauges([State(rule=RULES[0], name="ok", reading=reading)], NOW).split("\n")
    assert 3 * 4 + 1 == len(lines)
    lines[2].encode()
