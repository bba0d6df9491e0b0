"""Three levels over plain facts: each point by itself, and one next step."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.tree import DictTree
from llmops_git.guardrails.suites import read_suite
from llmops_git.monitoring import maturity_steps as steps
from llmops_git.monitoring.maturity import LEVELS, POINTS, standing_of
from llmops_git.monitoring.maturity_facts import ConfigFacts, Facts, GuardFacts, RuleFacts, StoreFacts, Traffic, WorkflowFacts
from llmops_git.monitoring.maturity_point import Point, share
from llmops_git.monitoring.rule_files import read_rules
from llmops_git.reports.doctor_text import render_standing
from llmops_git.reports.style import display_width

TODAY = date(2026, 11, 28)
CONFIG = ConfigFacts(
    name="router", path="prompts/router.yaml", evaluated=True, cases=30, scorers=2, live_scorers=("helpful",), judges=("helpful",), packs=("pii",),
    release="llmops/router/v1.0.0", proven=True, current=True, environments=("staging", "production"), live_cases=2,
)  # fmt: skip
TRAFFIC = Traffic(
    requests=1000, released=1000, captured=900, calls=1000, priced=1000, counted=1000, scores=50, scorers=("helpful",),
    guarded=1000, releases=("llmops/router/v1.0.0",), scored_releases=1, newest="2026-11-28",
)  # fmt: skip
MATURE = Facts(
    today=TODAY,
    policy=True,
    configs=(CONFIG,),
    workflows=(
        WorkflowFacts(path=".github/workflows/llmops-evaluate.yml", does=frozenset({"evaluate"})),
        WorkflowFacts(path=".github/workflows/llmops-monitor.yml", does=frozenset({"monitor"}), scheduled=True),
    ),
    environments=("staging", "production"),
    store=StoreFacts(place=".llmops/traces", files=3, shared=True, traffic=TRAFFIC),
    rules=(
        RuleFacts(id="quality", metric="score.helpful.mean", against="previous_release"),
        RuleFacts(id="drift", metric="drift.psi(input_length)", against="previous_release"),
        RuleFacts(id="cost", metric="cost.per_request", against="previous_release"),
        RuleFacts(id="slow", metric="latency.p95", against="previous_release"),
    ),
    guards=GuardFacts(packs=("pii",), attacks=10, benign=10, reviewed=4, reviewed_on=date(2026, 11, 1)),
    dashboard="dashboard.html",
)


def changed(**fields: Any) -> Facts:
    return replace(MATURE, **fields)


def config(**fields: Any) -> Facts:
    return changed(configs=(replace(CONFIG, **fields),))


def traffic(**fields: Any) -> Facts:
    return changed(store=replace(MATURE.store, traffic=replace(TRAFFIC, **fields)))


def guards(**fields: Any) -> Facts:
    return changed(guards=replace(MATURE.guards, **fields))


def without(*ids: str) -> Facts:
    return changed(rules=tuple(rule for rule in MATURE.rules if rule.id not in ids))


def point(facts: Facts, name: str) -> Point:
    return next(item for item in standing_of(facts).points if item.name == name)


def test_everything_that_is_asked_for_is_the_last_level_and_nothing_is_left() -> None:
    standing = standing_of(MATURE)
    assert ("mature", None, []) == (standing.level, standing.next, [item.name for item in standing.points if not item.holds])


def test_an_empty_repository_is_below_the_first_level_and_starts_with_two_files() -> None:
    standing = standing_of(Facts(today=TODAY))
    assert ("none", "prompts") == (standing.level, standing.next.name if standing.next else "")
    assert point(Facts(today=TODAY), "prompts").step == steps.INIT
    assert [] == [item.name for item in standing.points if item.holds]


@pytest.mark.parametrize(
    ("facts", "name", "level", "command"),
    [
        (changed(policy_trouble="llmops.yaml:1: bad"), "prompts", "none", "llmops-git check"),
        (changed(broken=(("prompts/a.yaml", "no model"),)), "prompts", "none", "llmops-git check"),
        (changed(starter_files=("llmops.yaml", "prompts/a b.yaml")), "prompts", "none", "git add llmops.yaml 'prompts/a b.yaml' && git commit -m 'Start with prompts in git'"),
        (changed(starter_files=tuple("abcdefgh")), "prompts", "none", "git add . && git commit -m 'Start with prompts in git'"),
        (config(cases=0), "eval-set", "none", "llmops-git check"),
        (changed(store=StoreFacts(place="x")), "logging", "none", "llmops-git traces ingest"),
        (changed(store=StoreFacts(place="x"), configs=(replace(CONFIG, release="", environments=()),)), "logging", "none", "llmops-git release"),
        (changed(store=StoreFacts(place="x"), configs=(replace(CONFIG, environments=()),)), "logging", "none", "llmops-git promote router --to staging"),
        (config(cases=19), "suite", "baseline", "llmops-git mine router"),
        (changed(configs=(CONFIG, replace(CONFIG, name="b", path="prompts/b.yaml", evaluated=False))), "suite", "baseline", "llmops-git check"),
        (changed(workflows=()), "gate", "baseline", "llmops-git init --no-project"),
        (changed(workflows=(replace(MATURE.workflows[0], pinned=False),)), "gate", "baseline", "rm .github/workflows/llmops-evaluate.yml && llmops-git init --no-project"),
        (config(release="", environments=()), "releases", "baseline", "llmops-git release"),
        (config(environments=("staging",)), "releases", "baseline", "llmops-git promote router --to production"),
        (changed(store=StoreFacts(place="x", files=2)), "tracing", "baseline", "llmops-git traces ingest"),
        (traffic(released=949), "tracing", "baseline", "llmops-git resolve router --environment staging"),
        (traffic(strange=51), "tracing", "baseline", "llmops-git resolve router --environment staging"),
        (traffic(captured=0), "tracing", "baseline", ""),
        (traffic(counted=900), "tracing", "baseline", ""),
        (traffic(priced=900), "dashboards", "baseline", 'pip install "llmops-git[prices]"'),
        (changed(dashboard=""), "dashboards", "baseline", "llmops-git dashboard"),
        (traffic(scores=0), "live-evals", "repeatable", "llmops-git monitor score"),
        (changed(configs=(replace(CONFIG, live_scorers=()),), store=replace(MATURE.store, traffic=replace(TRAFFIC, scores=0))), "live-evals", "repeatable", "llmops-git check"),
        (config(unheld=("helpful",)), "live-evals", "repeatable", "llmops-git review && llmops-git calibrate helpful --write"),
        (changed(rule_trouble="monitors/a.yaml:2: bad"), "alerts", "repeatable", "llmops-git monitor check"),
        (without("drift"), "alerts", "repeatable", "llmops-git monitor check"),
        (changed(workflows=MATURE.workflows[:1]), "alerts", "repeatable", "llmops-git init --no-project"),
        (changed(store=replace(MATURE.store, shared=False)), "alerts", "repeatable", "llmops-git monitor check"),
        (guards(packs=()), "guard-review", "repeatable", "llmops-git check"),
        (config(packs=()), "guard-review", "repeatable", "llmops-git check"),
        (guards(benign=0), "guard-review", "repeatable", "llmops-git guardrails test"),
        (guards(reviewed=0, reviewed_on=None), "guard-review", "repeatable", "llmops-git guardrails review pii"),
        (guards(reviewed_on=date(2026, 8, 1)), "guard-review", "repeatable", "llmops-git guardrails review pii"),
        (without("slow"), "regressions", "repeatable", "llmops-git monitor check"),
    ],
)  # fmt: skip
def test_what_is_missing_is_the_next_step_and_holds_the_level_down(facts: Facts, name: str, level: str, command: str) -> None:
    standing = standing_of(facts)
    assert standing.next is not None
    assert standing.next.step is not None
    assert (name, level, command) == (standing.next.name, standing.level, standing.next.step.command)
    assert standing.next.step.command or standing.next.step.lines
    assert standing.next.evidence


def test_a_level_above_one_that_does_not_hold_is_not_reached() -> None:
    facts = replace(config(cases=5), dashboard="")
    assert ("baseline", "suite") == (standing_of(facts).level, standing_of(facts).next.name)  # type: ignore[union-attr]
    assert point(facts, "alerts").holds


def test_files_of_requests_that_nobody_has_read_are_logging_and_no_tracing() -> None:
    facts = changed(store=StoreFacts(place=".llmops/traces", files=2))
    assert (True, False) == (point(facts, "logging").holds, point(facts, "tracing").holds)
    assert ("2 files of live requests in .llmops/traces",) == point(facts, "logging").evidence


def test_a_store_that_cannot_be_read_is_said_and_not_taken_for_an_empty_one() -> None:
    facts = changed(store=StoreFacts(place="s3://x", trouble="s3://x cannot be read: no such bucket"))
    assert "s3://x cannot be read: no such bucket" in point(facts, "tracing").evidence


def test_an_environment_that_went_back_is_said_to_run_what_it_runs() -> None:
    facts = config(release="llmops/router/v1.0.1", behind=(("production", "llmops/router/v1.0.0"),))
    assert ("llmops/router/v1.0.1 with its scores, in staging; production runs v1.0.0",) == point(facts, "releases").evidence
    assert point(facts, "releases").holds


def test_evidence_names_what_was_found() -> None:
    found = {item.name: " / ".join(item.evidence) for item in standing_of(MATURE).points}
    assert "1 config in git: router" == found["prompts"]
    assert "llmops/router/v1.0.0 with its scores, in staging, production" == found["releases"]
    assert (
        "all of 1,000 requests name their release / 90 % hold their inputs / all of 1,000 calls know their tokens"
        == found["tracing"]
    )
    assert "50 live scores in 30 days, by helpful, of 1 release" == found["live-evals"]
    assert "2 live failures came back as cases of the eval sets" in found["regressions"]
    assert "cannot be seen from here" in found["gate"]


@pytest.mark.parametrize(("part", "whole", "said"), [(999, 1000, "99 %"), (1000, 1000, "all"), (0, 5, "0 %"), (0, 0, "0 %")])
def test_a_share_never_rounds_up_to_all(part: int, whole: int, said: str) -> None:
    assert said == share(part, whole)


def test_every_level_has_points_in_order() -> None:
    levels = [judge(MATURE).level for judge in POINTS]
    assert list(LEVELS) == list(dict.fromkeys(levels))
    assert sorted(levels, key=LEVELS.index) == levels
    assert len(POINTS) == len({judge(MATURE).name for judge in POINTS})


# --- what the steps write is right ---


@pytest.mark.parametrize("scorers", [(), ("helpful",)])
def test_the_rules_that_are_proposed_are_rules_and_make_their_points_hold(scorers: tuple[str, ...]) -> None:
    alerts = steps.alerts(scorers, quality=True, drift=True)
    regressions = steps.regressions(scorers, ["quality", "cost", "latency"])
    tree = DictTree({step.path: "\n".join(step.lines) + "\n" for step in (alerts, regressions)})
    rules, problems = read_rules(tree, load_policy(tree, ""))
    assert [] == [str(problem) for problem in problems]
    found = tuple(RuleFacts(id=rule.id, metric=rule.metric.name, against=rule.compare.to) for rule in rules)
    assert 5 == len({rule.id for rule in found})
    assert (True, True) == tuple(point(changed(rules=found), name).holds for name in ("alerts", "regressions"))
    assert not point(changed(rules=found[:2]), "regressions").holds


def test_the_suite_that_is_proposed_is_one() -> None:
    file = read_suite(steps.SUITE.path, ("\n".join(steps.SUITE.lines) + "\n").encode())
    assert ((), 2, 2) == (file.problems, sum(text.attack for text in file.texts), sum(not text.attack for text in file.texts))


# --- on a terminal ---


def test_the_text_says_level_points_and_one_next_step() -> None:
    lines = render_standing(standing_of(without("slow")), color=False, width=80).splitlines()
    assert "level: repeatable, every change is measured, and what runs is seen" == lines[0]
    assert ["baseline 3 of 3", "repeatable 5 of 5", "mature 3 of 4"] == [
        line for line in lines if " of " in line and not line.startswith(" ")
    ]
    assert 11 == sum(line.startswith("  ✓ ") for line in lines)
    assert ["  ✗ automated regression detection"] == [line for line in lines if line.startswith("  ✗")]
    assert ["next: hold each release to the one before it"] == [line for line in lines if line.startswith("next:")]
    assert "    llmops-git monitor check" == lines[-1]


@pytest.mark.parametrize("facts", [MATURE, Facts(today=TODAY), config(cases=3), changed(rules=())])
@pytest.mark.parametrize("width", [40, 60, 100])
def test_nothing_but_what_is_to_be_pasted_is_wider_than_the_terminal(facts: Facts, width: int) -> None:
    standing = standing_of(facts)
    pasted = (
        {"    " + standing.next.step.command, *(f"        {line}" for line in standing.next.step.lines)}
        if standing.next and standing.next.step
        else set()
    )
    for line in render_standing(standing, color=False, width=width).splitlines():
        assert line in pasted or display_width(line) <= width or " " not in line.strip(), line


def test_colour_is_never_the_only_carrier_of_a_meaning() -> None:
    import re

    plain = render_standing(standing_of(without("slow")), color=False, width=80)
    assert "\x1b" not in plain
    assert plain == re.sub(r"\x1b\[[0-9;]*m", "", render_standing(standing_of(without("slow")), color=True, width=80))


def test_hostile_names_do_nothing_to_a_terminal_or_a_log() -> None:
    facts = changed(
        configs=(replace(CONFIG, name="a\x1b[2Jb", release="\n::error::x"),),
        broken=(("prompts/\x1b]0;x.yaml", "\u202ebad"),),
        starter_files=("$(reboot)\n::stop-commands::x",),
    )
    text = render_standing(standing_of(facts), color=False, width=80)
    assert not any(character in text for character in "\x1b\u202e")
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
