"""Reads `monitors/*.yaml`: every rule with its defaults filled in, and every problem at once with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from llmops_git.configs.paths import CONFIG_ENDINGS, join, suggestion
from llmops_git.configs.pointers import pointer_text
from llmops_git.configs.policy import Policy
from llmops_git.configs.tree import EXECUTABLE_MODE, FILE_MODE, Tree
from llmops_git.configs.yaml import YamlFile
from llmops_git.errors import InvalidInput, Problem, Severity
from llmops_git.monitoring.dimensions import unknown_dimension
from llmops_git.monitoring.metrics import Metric, UnknownMetric, metric_of
from llmops_git.monitoring.rules import FEWEST, GITHUB_ISSUE, REACH, WEBHOOK, Compare, Direction, Rule

FOLDER = "monitors"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DRIFT_WINDOW = timedelta(days=1)
_ADDRESS = re.compile(r"https://\S+")

Add = Callable[..., None]


def monitor_files(tree: Tree, root: str) -> tuple[str, ...]:
    """The rule files of a project, sorted."""
    folder = f"{root}/{FOLDER}" if root else FOLDER
    plain = (FILE_MODE, EXECUTABLE_MODE)
    found = (path for path, entry in tree.walk(folder).items() if path.endswith(CONFIG_ENDINGS) and entry.mode in plain)
    return tuple(sorted(found))


def load_rules(tree: Tree, policy: Policy) -> tuple[Rule, ...]:
    """All rules of a project, in the order of files and lines. Raises InvalidInput with everything that is wrong."""
    rules, problems = read_rules(tree, policy)
    if errors := [problem for problem in problems if problem.severity == "error"]:
        raise InvalidInput(errors, hint="llmops-git check")
    return rules


def read_rules(tree: Tree, policy: Policy) -> tuple[tuple[Rule, ...], list[Problem]]:
    """The rules that are right, and what is wrong with the others; warnings too."""
    paths = monitor_files(tree, policy.root)
    rules: list[Rule] = []
    problems: list[Problem] = []
    for path, data in sorted(tree.read(paths).items()):
        found, wrong = _read_file(data, path, tree, policy)
        problems += wrong
        for rule in found:
            same = next((other for other in rules if other.id == rule.id), None)
            if same is None:
                rules.append(rule)
                continue
            message = f"two rules are called `{rule.id}`: the other one is {same.path}:{same.line}"
            problems.append(Problem(path=path, message=message, line=rule.line, column=1, hint="issues are kept by name"))
    return tuple(rules), problems


def _read_file(data: bytes, path: str, tree: Tree, policy: Policy) -> tuple[list[Rule], list[Problem]]:
    from llmops_git.configs.schema import problems_of
    from llmops_git.configs.yaml import parse

    try:
        file = parse(data, path)
    except InvalidInput as error:
        return [], list(error.problems)
    problems = problems_of("monitor", file, path)
    wrong = {problem.pointer for problem in problems}
    written = file.value.get("rules") if isinstance(file.value, Mapping) else None
    rules = []
    for number, value in enumerate(written if isinstance(written, list) else ()):
        if any(_inside(pointer, number) for pointer in wrong) or not isinstance(value, Mapping):
            continue
        rule, more = _read_rule(value, number, file, tree, policy)
        problems += more
        if rule is not None:
            rules.append(rule)
    return rules, sorted(problems, key=lambda problem: (problem.line, problem.column, problem.pointer))


def _inside(pointer: str, number: int) -> bool:
    """Whether a problem is of the rule with this number (or of the file as a whole)."""
    mine = pointer_text(("rules", number))
    return not pointer.startswith(pointer_text(("rules",))) or pointer == mine or pointer.startswith((f"{mine}.", f"{mine}["))


def _read_rule(
    value: Mapping[str, Any], number: int, file: YamlFile, tree: Tree, policy: Policy
) -> tuple[Rule | None, list[Problem]]:
    problems: list[Problem] = []

    def add(
        pointer: Sequence[str | int], message: str, hint: str = "", *, key: bool = False, severity: Severity = "error"
    ) -> None:
        place = ("rules", number, *pointer)
        line, column = file.place(place, key=key)
        problems.append(
            Problem(path=file.path, message=message, line=line, column=column, pointer=pointer_text(place), hint=hint,
                    severity=severity)
        )  # fmt: skip

    try:
        metric = metric_of(value["metric"])
    except UnknownMetric as error:
        add(("metric",), str(error), error.hint)
        return None, problems
    _check_dimensions(value, metric, add)
    _check_compare(value, metric, add)
    _check_notified(value, file, tree, policy, add)
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    return _rule(value, metric, file.path, file.place(("rules", number))[0]), problems


def _rule(value: Mapping[str, Any], metric: Metric, path: str, line: int) -> Rule:
    written = value["compare"]
    to = written.get("to", "")
    default: Direction = metric.worse or "both"
    compare = Compare(
        **{name: written[name] for name in ("op", "value", "proven", "margin", "max_ratio", "alpha") if name in written},
        to=to,
        direction=written.get("direction", default),
    )
    window = _DRIFT_WINDOW if metric.kind == "drift" else REACH if to == "previous_release" else _DRIFT_WINDOW
    where = {name: (wanted,) if isinstance(wanted, str) else tuple(wanted) for name, wanted in value.get("where", {}).items()}
    return Rule(
        id=value["id"],
        metric=metric,
        compare=compare,
        path=path,
        line=line,
        description=value.get("description", ""),
        by=tuple(value.get("by", ())),
        where=where,
        window=duration(value["window"]) if "window" in value else window,
        every=duration(value.get("every", "1h")),
        min_count=value.get("min_count", FEWEST[metric.kind]),
        looks=value.get("for", 1),
        severity=value.get("severity", "error"),
        notify=tuple(value.get("notify", (GITHUB_ISSUE,))),
        runbook=value.get("runbook", ""),
    )


def duration(text: str) -> timedelta:
    """`15m`, `1h`, `7d` or `2w` as a time. Raises KeyError or ValueError for anything else."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def _check_dimensions(value: Mapping[str, Any], metric: Metric, add: Add) -> None:
    by = value.get("by", ())
    released = value["compare"].get("to") == "previous_release"
    for number, word in enumerate(by):
        message, hint = unknown_dimension(word, metric.dimensions)
        if message:
            add(("by", number), message, hint)
        elif word in ("release", "digest") and released:
            add(
                ("by", number), f"`{word}` is what is compared", "leave it out: every live release is held to the one before it"
            )
    for word in value.get("where", {}):
        message, hint = unknown_dimension(word, metric.dimensions)
        if message:
            add(("where", word), message, hint, key=True)


def _check_compare(value: Mapping[str, Any], metric: Metric, add: Add) -> None:
    written = value["compare"]
    to = written.get("to", "")
    drift = metric.kind == "drift"
    if drift and not to:
        add(("compare",), f"{metric.name} is a distance: say from what", "compare: {to: previous_release, op: gt, value: 0.2}")
    if not to or drift:
        for name in ("op", "value"):
            if name not in written and not (drift and name == "op"):
                add(("compare",), f"`{name}` is missing", _example(metric, to))
        for name in ("direction", "margin", "max_ratio"):
            if name in written:
                add(("compare", name), f"`{name}` needs other traffic to compare with", "to: previous_release", key=True)
    else:
        for name in ("op", "value", "proven"):
            if name in written:
                add(("compare", name), f"`{name}` is for a comparison with a number", _example(metric, to), key=True)
        _check_traffic(written, to, metric, add)
    if drift and "proven" in written:
        add(("compare", "proven"), "drift fires only where chance does not explain it", "leave it out", key=True)
    if "value" in written and metric.kind == "rate" and not 0 <= written["value"] <= 1:
        add(("compare", "value"), f"{metric.name} is a share from 0 to 1", f"value: {written['value'] / 100:g}")
    if not to and not drift and "window" not in value:
        add((), "`window` is missing", "window: 1h")
    if to == "window_before" and "window" not in value and not drift:
        add((), "`window` is missing", "window: 1d")


def _check_traffic(written: Mapping[str, Any], to: str, metric: Metric, add: Add) -> None:
    if "margin" in written and "max_ratio" in written:
        add(("compare", "margin"), "`margin` and `max_ratio` exclude each other", key=True)
    if "margin" in written and metric.kind not in ("rate", "mean"):
        add(("compare", "margin"), f"{metric.name} is compared by ratio", "max_ratio: 1.1", key=True)
    if to == "previous_release" and (metric.kind == "total" or metric.registry or metric.name == "release.coverage"):
        add(("compare", "to"), f"{metric.name} says nothing of a release", "to: window_before, or a number in op and value")
    elif metric.kind == "total" and "max_ratio" not in written:
        add(("compare",), "`max_ratio` is missing", "max_ratio: 2")


def _example(metric: Metric, to: str) -> str:
    if to and metric.kind != "drift":
        return f"compare: {{to: {to}, max_ratio: 1.1}}" if metric.kind != "rate" else f"compare: {{to: {to}, margin: 0.01}}"
    op = "lt" if metric.worse == "down" else "gt"
    value = {"rate": "0.05", "drift": "0.2"}.get(metric.kind, "1000")
    target = f"to: {to}, " if to else ""
    return f"compare: {{{target}op: {op}, value: {value}}}"


def _check_notified(value: Mapping[str, Any], file: YamlFile, tree: Tree, policy: Policy, add: Add) -> None:
    for number, target in enumerate(value.get("notify", ())):
        name = target.removeprefix(WEBHOOK)
        if target != GITHUB_ISSUE and name not in policy.webhooks:
            hint = suggestion(name, policy.webhooks) or f'llmops.yaml: webhooks: {{{name}: {{url: "https://…"}}}}'
            add(("notify", number), f"llmops.yaml names no webhook `{name}`", hint)
    runbook = value.get("runbook", "")
    if runbook and not _ADDRESS.fullmatch(runbook) and not _is_file(tree, file.path, runbook):
        message = f"there is no file {runbook}"
        add(
            ("runbook",),
            message,
            "a path from the top of the repository or from this file, or an https address",
            severity="warning",
        )


def _is_file(tree: Tree, path: str, runbook: str) -> bool:
    candidates: Iterable[str] = (path, "")
    for via in candidates:
        try:
            if tree.entry(join(via, runbook.partition("#")[0])) is not None:
                return True
        except ValueError:
            continue
    return False
