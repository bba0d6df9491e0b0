"""What a scheduled watch finds in a repository, as alerts: only facts that git and published dates say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from llmops_git.forges.alerts import Alert
from llmops_git.reports.escape import code, prose

if TYPE_CHECKING:
    from llmops_git.commands.releasing import Outcome, Reconciled
    from llmops_git.commands.state import State
    from llmops_git.releases.levels import Level
    from llmops_git.releases.values import Release, Running

VERIFY, RETIREMENT, BEHIND, PENDING = "verify", "retirement", "behind", "pending"
FAMILIES = (VERIFY, RETIREMENT, BEHIND, PENDING)
LONG_BEHIND = timedelta(days=14)  # since the newest release was made
LONG_PENDING = timedelta(hours=24)  # since the newest commit of the default branch
_FINDINGS = 20  # shown of one level; each may be 2,400 characters long


def verify_alerts(levels: Iterable[Level]) -> Iterator[Alert]:
    """One for each level that failed, or that could not be completed."""
    for level in levels:
        if level.state not in ("failed", "incomplete"):
            continue
        failed = level.state == "failed"
        said = "failed" if failed else "could not be completed"
        lines = [f"- {prose(finding)}" for finding in level.findings[:_FINDINGS]]
        if len(level.findings) > _FINDINGS:
            lines.append(f"- and {len(level.findings) - _FINDINGS:,} more")
        advice = "Find out who did this before anything else is released or promoted" if failed else "Run it again"
        yield Alert(
            key=f"{VERIFY}/{level.name}",
            title=f"verification {said}: {level.name}",
            body="\n".join(
                [f"The level {code(level.name)} of {code('llmops-git verify')} {said}:", "", *lines, "", f"{advice}."]
            ),
            severity="error" if failed else "warning",
        )


def retirement_alerts(state: State, today: date) -> Iterator[Alert]:
    """One for each model that something in an environment runs on and that stops answering soon, or has stopped."""
    from llmops_git.configs.retirements import announcement, days_left, retirement_of

    used: dict[tuple[str, str], list[str]] = {}
    for environment, running, release in _all_running(state):
        provider, _, model = release.trailers.get("Model", "").partition("/")
        if model:
            used.setdefault((provider, model), []).append(f"{running.release} in {environment}")
    for (provider, model), places in sorted(used.items()):
        retirement = retirement_of(state.policy, provider, model)
        text = announcement(model, retirement, today) if retirement else ""
        if retirement is None or not text:
            continue
        lines = [prose(text), "", *(f"- {code(place, 160)}" for place in sorted(places))]
        if retirement.source:
            lines += ["", f"Source: {prose(retirement.source)}"]
        yield Alert(
            key=f"{RETIREMENT}/{provider}/{model}",
            title=f"{provider}/{model} is retired on {retirement.date}",
            body="\n".join(lines),
            severity="error" if days_left(retirement, today) < 0 else "warning",
        )


def behind_alerts(state: State, now: datetime) -> Iterator[Alert]:
    """One for each config that an environment runs in an older release, though the newest one is long there."""
    for environment, running, release in _all_running(state):
        newest = state.registry.newest(running.config)
        if newest is None or newest.tag.version <= release.tag.version:
            continue
        since = datetime.fromtimestamp(newest.time, UTC)
        if now - since < LONG_BEHIND:
            continue
        held = f", and automatic promotion is held since the rollback to {running.release}" if running.held else ""
        said = f"{environment} runs {running.release}; {newest.name} was released on {since:%Y-%m-%d}{held}."
        command = f"llmops-git promote {running.config} --to {environment}"
        yield Alert(
            key=f"{BEHIND}/{environment}/{running.config}",
            title=f"{running.config}: {environment} is behind, it runs v{release.tag.version} and v{newest.tag.version} is out",
            body=f"{prose(said)}\n\nTo promote it: {code(command, 200)}",
            severity="warning",
        )


def pending_alerts(reconciled: Reconciled, *, committed: datetime, now: datetime) -> Iterator[Alert]:
    """One for each config of the default branch that is not released: refused, broken, or waiting for longer than a day."""
    for outcome in reconciled.outcomes:
        if outcome.what == "refused":
            yield _pending(outcome, f"{outcome.config}: the default branch holds a change that the gate refused")
        elif outcome.what == "invalid":
            yield _pending(outcome, f"{outcome.config}: the config on the default branch cannot be loaded")
        elif outcome.what in ("would release", "would evaluate", "not measured") and now - committed > LONG_PENDING:
            yield _pending(
                outcome, f"{outcome.config}: a change on the default branch has waited for its release for over a day"
            )


def _pending(outcome: Outcome, title: str) -> Alert:
    lines = [prose(f"{title}.")]
    if outcome.reason:
        lines += ["", *(f"- {prose(line)}" for line in outcome.reason.splitlines()[:_FINDINGS] if line.strip())]
    if outcome.evidence:
        lines += ["", f"The record of the run: {code(outcome.evidence, 300)} on the branch {code('llmops/evidence')}"]
    return Alert(key=f"{PENDING}/{outcome.config}", title=title, body="\n".join(lines), severity="warning")


def _all_running(state: State) -> Iterator[tuple[str, Running, Release]]:
    """Everything that runs, where its release is known: (environment, what runs, its release)."""
    known = {release.name: release for releases in state.registry.releases.values() for release in releases}
    for name, environment in sorted(state.registry.environments.items()):
        for _, running in sorted(environment.running.items()):
            if running.release in known:
                yield name, running, known[running.release]


def worst_first(alerts: Iterable[Alert]) -> Sequence[Alert]:
    return sorted(alerts, key=lambda alert: (alert.severity != "error", alert.key))
