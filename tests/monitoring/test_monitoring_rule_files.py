"""Rule files: defaults, and every mistake at once with its place and a way out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.tree import DictTree
from llmops_git.errors import InvalidInput
from llmops_git.monitoring.rule_files import load_rules, read_rules
from llmops_git.monitoring.rules import FEWEST, Compare, Rule
from tests.monitoring.monitor_table import rule_of, rules_of

POLICY = 'version: 1\nwebhooks: {ops: {url: "https://hooks.example.com/x", key_env: HOOK_KEY}}\n'


def problems_of(text: str, **files: str) -> list[tuple[int, str, str]]:
    """Line, message and hint of each problem."""
    tree = DictTree({"llmops.yaml": POLICY, "monitors/live.yaml": text, **files})
    return [(problem.line, problem.message, problem.hint) for problem in read_rules(tree, load_policy(tree, ""))[1]]


def mistake(text: str) -> tuple[str, str]:
    """Message and hint of the one thing that is wrong with a rule."""
    ((_, message, hint),) = problems_of(f"rules:\n  - {{id: it, {text}}}\n")
    return message, hint


def test_a_short_rule_has_its_defaults() -> None:
    rule = rule_of("metric: error_rate, window: 1h, compare: {op: gt, value: 0.05}")
    assert (rule.metric.name, rule.min_count, rule.looks, rule.every) == ("error_rate", FEWEST["rate"], 1, timedelta(hours=1))
    assert (rule.severity, rule.notify, rule.by, rule.path, rule.line) == (
        "error",
        ("github_issue",),
        (),
        "monitors/live.yaml",
        2,
    )
    assert Compare(op="gt", value=0.05, direction="up") == rule.compare


def test_a_whole_rule_is_read() -> None:
    (rule,) = rules_of(
        """\
rules:
  - id: faithfulness
    description: Answers stay with the documents.
    metric: score.faithful.mean
    by: [environment]
    where: {environment: [production, staging], feature: chat}
    window: 2w
    every: 30m
    compare: {to: previous_release, margin: 0.05, alpha: 0.02}
    min_count: 30
    for: 3
    severity: warning
    notify: [github_issue, "webhook:ops"]
    runbook: https://example.com/runbook
""",
        POLICY,
    )
    assert {"environment": ("production", "staging"), "feature": ("chat",)} == rule.where
    assert (timedelta(days=14), timedelta(minutes=30), 3, 30) == (rule.window, rule.every, rule.looks, rule.min_count)
    assert Compare(to="previous_release", margin=0.05, alpha=0.02, direction="down") == rule.compare
    assert (("ops",), "warning", "https://example.com/runbook") == (rule.webhooks, rule.severity, rule.runbook)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("metric: error_rat, window: 1h, compare: {op: gt, value: 0.1}", "there is no metric `error_rat`", "did you mean `error_rate`?"),
        ("metric: error_rate, compare: {op: gt, value: 0.1}", "`window` is missing", "window: 1h"),
        ("metric: error_rate, window: 1 hour, compare: {op: gt, value: 0.1}", "must be a time as 15m, 1h, 7d or 2w", ""),
        ("metric: error_rate, window: 1h, compare: {op: gt, value: 5}", "error_rate is a share from 0 to 1", "value: 0.05"),
        ("metric: error_rate, window: 1h, compare: {op: gt}", "`value` is missing", "compare: {op: gt, value: 0.05}"),
        ("metric: error_rate, window: 1h, compare: {op: above, value: 0.1}", "must be one of gt, ge, lt, le, not `above`", ""),
        ("metric: error_rate, window: 1h, by: [confg], compare: {op: gt, value: 0.1}", "there is no `confg` here to group or filter by", "did you mean `config`?"),
        ("metric: error_rate, window: 1h, where: {rule: email}, compare: {op: gt, value: 0.1}", "there is no `rule` here to group or filter by", "known: config, release, digest, environment, service, feature, user, conversation"),
        ("metric: error_rate, by: [release], compare: {to: previous_release}", "`release` is what is compared", "leave it out: every live release is held to the one before it"),
        ("metric: error_rate, compare: {to: previous_release, value: 0.1}", "`value` is for a comparison with a number", "compare: {to: previous_release, margin: 0.01}"),
        ("metric: error_rate, compare: {to: last_release}", "must be one of previous_release, window_before, not `last_release`", "did you mean `previous_release`?"),
        ("metric: cost.total, window: 1d, compare: {to: previous_release, max_ratio: 2}", "cost.total says nothing of a release", "to: window_before, or a number in op and value"),
        ("metric: cost.total, window: 1d, compare: {to: window_before}", "`max_ratio` is missing", "max_ratio: 2"),
        ("metric: latency.p95, compare: {to: previous_release, margin: 100}", "latency.p95 is compared by ratio", "max_ratio: 1.1"),
        ("metric: error_rate, compare: {to: previous_release, margin: 0.1, max_ratio: 2}", "`margin` and `max_ratio` exclude each other", ""),
        ("metric: drift.psi(input_tokens), compare: {op: gt, value: 0.2}", "drift.psi(input_tokens) is a distance: say from what", "compare: {to: previous_release, op: gt, value: 0.2}"),
        ("metric: drift.ks(model), compare: {to: previous_release, value: 0.2}", "drift.ks cannot look at `model`", "known: input_tokens, output_tokens, cost_usd, ttft_ms, duration_ms, input_length, output_length"),
        ("metric: error_rate, window: 1h, compare: {op: gt, value: 0.1}, notify: [webhook:op]", "llmops.yaml names no webhook `op`", "did you mean `ops`?"),
        ("metric: error_rate, window: 1h, compare: {op: gt, value: 0.1}, notify: [mail]", "must be github_issue or webhook:NAME", ""),
        ("metric: error_rate, window: 1h, compare: {op: gt, value: 0.1}, sverity: error", "unknown key `sverity`", "did you mean `severity`?"),
        ("metric: error_rate, window: 1h, compare: {op: gt, value: 0.1}, runbook: docs/none.md", "there is no file docs/none.md", "a path from the top of the repository or from this file, or an https address"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_the_way_out(text: str, message: str, hint: str) -> None:
    assert (message, hint) == mistake(text)


def test_all_mistakes_of_all_files_come_at_once_and_right_rules_are_kept() -> None:
    good = "rules:\n  - {id: good, metric: error_rate, window: 1h, compare: {op: gt, value: 0.1}}\n"
    bad = "rules:\n  - {id: Bad, metric: error_rate, window: 1h, compare: {op: gt, value: 0.1}}\n  - {id: other, metric: nothing, compare: {}}\n"
    tree = DictTree(
        {"monitors/a.yaml": good, "monitors/b.yml": bad, "monitors/deep/c.yaml": "rules: []\n", "monitors/notes.md": "no"}
    )
    rules, problems = read_rules(tree, load_policy(tree, ""))
    assert ["good"] == [rule.id for rule in rules]
    assert [("monitors/b.yml", 2), ("monitors/b.yml", 3), ("monitors/deep/c.yaml", 1)] == [
        (each.path, each.line) for each in problems
    ]
    with pytest.raises(InvalidInput, match="nothing"):
        load_rules(tree, load_policy(tree, ""))


def test_two_rules_of_one_name_are_refused() -> None:
    line = "  - {id: it, metric: error_rate, window: 1h, compare: {op: gt, value: 0.1}}\n"
    ((_, message, _),) = problems_of(f"rules:\n{line}{line}")
    assert "two rules are called `it`: the other one is monitors/live.yaml:2" == message


def test_a_runbook_may_be_a_file_beside_the_rules_or_in_the_repository() -> None:
    rule = "rules:\n  - {{id: it, metric: error_rate, window: 1h, compare: {{op: gt, value: 0.1}}, runbook: {}}}\n"
    files = {"docs/errors.md": "", "monitors/errors.md": ""}
    for runbook in ("docs/errors.md#first", "errors.md", "../docs/errors.md", "https://example.com/x"):
        assert [] == problems_of(rule.format(f'"{runbook}"'), **files)


def test_a_rule_without_proof_costs_little_of_a_month() -> None:
    rule = Rule(id="it", metric=rule_of("metric: requests, window: 1h, compare: {op: lt, value: 1}").metric, compare=Compare())
    assert pytest.approx(0.01 / 720) == rule.alpha_of_a_look
