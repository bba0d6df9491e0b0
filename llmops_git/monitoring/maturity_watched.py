"""The points of the level mature: live traffic is scored, watched, reviewed, and held to what was there before. Pure."""

from __future__ import annotations

from llmops_git.monitoring import maturity_steps as steps
from llmops_git.monitoring.maturity_facts import DAYS, Facts
from llmops_git.monitoring.maturity_point import Point, count, doing, is_drift, is_quality, joined, some

REVIEW_DAYS = 90  # after which a review of guardrails is too old to say anything


def live_evals(facts: Facts) -> Point:
    """Evals on live traffic, by judges that were held to people."""
    traffic = facts.store.traffic
    unheld = sorted({judge for config in facts.configs for judge in config.unheld})
    evidence = []
    step = None
    if traffic.scores:
        evidence.append(
            f"{count(traffic.scores, 'live score')} in {DAYS} days, by {some(traffic.scorers)}, "
            f"of {count(traffic.scored_releases, 'release')}"
        )
    else:
        evidence.append(f"no live request was scored in {DAYS} days")
        step = steps.SCORE
        if facts.configs and not any(config.live_scorers for config in facts.configs):
            evidence.append("every scorer compares with an expected answer, which live requests do not have")
            step = steps.live_scorer(facts.configs[0].path)
    if unheld:
        evidence.append(f"not held to people: {some(unheld)}")
        step = step or steps.calibrate(unheld[0])
    return Point(name="live-evals", level="mature", title="evals on live traffic", evidence=tuple(evidence), step=step)


def alerts(facts: Facts) -> Point:
    """Drift and quality alerts: rules about both, that something checks."""
    quality, drift = [rule for rule in facts.rules if is_quality(rule)], [rule for rule in facts.rules if is_drift(rule)]
    evidence = (
        [f"{count(len(facts.rules), 'rule')} in monitors/: {some(rule.id for rule in facts.rules)}"] if facts.rules else []
    )
    checking = doing(facts, "monitor")
    sighted = [workflow for workflow in checking if workflow.store or facts.store.shared]
    step = None
    if facts.rule_trouble:
        evidence.append(facts.rule_trouble)
        step = steps.MEND_RULES
    elif not quality or not drift:
        missing = [word for word, rules in (("quality", quality), ("drift", drift)) if not rules]
        evidence.append(f"no rule about {' and '.join(missing)}")
        step = steps.alerts(facts.store.traffic.scorers, quality=not quality, drift=not drift)
    elif not checking:
        evidence.append("no workflow checks them")
        step = steps.WORKFLOWS
    elif not sighted:
        evidence.append(f"{checking[0].path} checks them, and cannot see the traces: nothing says where they are")
        step = steps.SHARE
    else:
        evidence.append(f"{sighted[0].path} checks them")
    title = "drift and quality alerts"
    return Point(name="alerts", level="mature", title=title, evidence=tuple(evidence), step=step)


def guard_review(facts: Facts) -> Point:
    """Systematic guardrail review: packs that are measured on suites, and whose live verdicts people look at."""
    guards = facts.guards
    used = sorted({pack for config in facts.configs for pack in config.packs})
    evidence = [f"{count(len(used), 'pack')} in use: {some(used)}"] if used else []
    if guards.attacks or guards.benign:
        evidence.append(f"measured on {count(guards.attacks, 'attack')} and {count(guards.benign, 'benign text')}")
    fresh = guards.reviewed_on is not None and (facts.today - guards.reviewed_on).days <= REVIEW_DAYS
    if guards.reviewed:
        day = f", the newest on {guards.reviewed_on}" if guards.reviewed_on else ""
        evidence.append(f"{count(guards.reviewed, 'live text')} reviewed by people{day}")
    step = None
    if not guards.packs:
        evidence.append("no guardrail")
        step = steps.PACK
    elif not used:
        evidence.append(f"no config is guarded by {some(guards.packs)}")
        step = steps.guard(facts.configs[0].path if facts.configs else "prompts/NAME.yaml", guards.packs[0])
    elif not guards.attacks or not guards.benign:
        evidence.append("the suites lack attacks, or benign texts")
        step = steps.SUITE
    elif not guards.reviewed:
        evidence.append("nobody has looked at what they did live")
        step = steps.review(used[0])
    elif not fresh:
        step = steps.review(used[0])
    title = "systematic guardrail review"
    return Point(name="guard-review", level="mature", title=title, evidence=tuple(evidence), step=step)


def regressions(facts: Facts) -> Point:
    """Automated regression detection: every release is held to the one before it, in quality, cost and latency."""
    against = [rule for rule in facts.rules if rule.against == "previous_release"]
    parts = {
        "quality": [rule for rule in against if is_quality(rule)],
        "cost": [rule for rule in against if rule.metric.startswith(("cost.", "tokens."))],
        "latency": [rule for rule in against if rule.metric.startswith(("latency.", "ttft."))],
    }
    evidence = [
        f"{part} against the release before: {some(rule.id for rule in rules)}" for part, rules in parts.items() if rules
    ]
    live = sum(config.live_cases for config in facts.configs)
    if live:
        evidence.append(f"{count(live, 'live failure')} came back as {'a case' if live == 1 else 'cases'} of the eval sets")
    missing = [part for part, rules in parts.items() if not rules]
    step = None
    if missing:
        evidence.append(f"no rule holds a release to the one before in {joined(missing)}")
        step = steps.regressions(facts.store.traffic.scorers, missing)
    title = "automated regression detection"
    return Point(name="regressions", level="mature", title=title, evidence=tuple(evidence), step=step)
