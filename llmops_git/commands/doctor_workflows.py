"""What a workflow file does for llmops-git: which jobs, whether it names the Action by a commit. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmops_git.errors import InvalidInput
from llmops_git.monitoring.maturity_facts import WorkflowFacts

_COMMIT = re.compile(r"[0-9a-f]{40}")
_JOBS = frozenset({"evaluate", "release", "monitor", "mine", "dashboard"})
_TYPED = (  # what a line of shell may say
    (re.compile(r"llmops(?:-git)? (?:ci evaluate|eval)\b"), "evaluate"),
    (re.compile(r"llmops(?:-git)? (?:ci )?release\b"), "release"),
    (re.compile(r"llmops(?:-git)? (?:ci monitor|monitor check)\b"), "monitor"),
    (re.compile(r"llmops(?:-git)? monitor score\b"), "score"),
    (re.compile(r"llmops(?:-git)? mine\b"), "mine"),
    (re.compile(r"llmops(?:-git)? dashboard\b"), "dashboard"),
)


def workflow_facts(path: str, data: bytes) -> WorkflowFacts:
    """What the workflow at `path` does; nothing where it cannot be read."""
    from llmops_git.configs.yaml import parse

    try:
        value = parse(data, path).value
    except InvalidInput:
        return WorkflowFacts(path=path)
    if not isinstance(value, Mapping):
        return WorkflowFacts(path=path)
    triggers = _triggers(value.get("on"))
    does: set[str] = set()
    pinned = True
    for uses, command, run in _steps(value):
        if command in _JOBS and uses:
            does.add(command)
            pinned = pinned and (uses.startswith("./") or bool(_COMMIT.fullmatch(uses.rpartition("@")[2])))
        does |= {job for pattern, job in _TYPED if pattern.search(run)}
    if not triggers & {"pull_request", "pull_request_target", "merge_group"}:
        does.discard("evaluate")  # measured by hand, or for somebody who was let in
    named = any("--store" in run for _, _, run in _steps(value))
    return WorkflowFacts(path=path, does=frozenset(does), pinned=pinned, scheduled="schedule" in triggers, store=named)


def _triggers(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    return {str(name) for name in value} if isinstance(value, Mapping | list) else set()


def _steps(value: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(the action, its `command`, the shell's text) of every step."""
    jobs = value.get("jobs")
    for job in jobs.values() if isinstance(jobs, Mapping) else ():
        steps = job.get("steps") if isinstance(job, Mapping) else None
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, Mapping):
                given = step.get("with")
                command = given.get("command", "") if isinstance(given, Mapping) else ""
                yield str(step.get("uses", "")), str(command), str(step.get("run", ""))
