"""What `check` says of rules about live traffic: what is wrong with their files, and scores that nothing would ever give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from llmops_git.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree
    from llmops_git.monitoring.rules import Rule

_SCORE = "score."


def is_monitor(path: str, policy: Policy) -> bool:
    """Whether a path is the folder of rules, or in it."""
    from llmops_git.monitoring.rule_files import FOLDER

    folder = f"{policy.root}/{FOLDER}" if policy.root else FOLDER
    return path == folder or path.startswith(f"{folder}/")


def monitor_problems(tree: Tree, policy: Policy, files: Sequence[str], paths: Sequence[str]) -> Iterable[Problem]:
    """What is wrong with the rules, all of them or those of the paths chosen; `files` are the configs of the tree."""
    from llmops_git.monitoring.rule_files import read_rules

    chosen = [path for path in paths if not path or is_monitor(path, policy)]
    if paths and not chosen:
        return []
    rules, problems = read_rules(tree, policy)
    problems += _unknown_scorers(tree, files, [rule for rule in rules if rule.metric.name.startswith(_SCORE)])
    return [
        problem
        for problem in problems
        if not paths or any(not path or problem.path == path or problem.path.startswith(f"{path}/") for path in chosen)
    ]


def _unknown_scorers(tree: Tree, files: Sequence[str], rules: Sequence[Rule]) -> list[Problem]:
    """A rule about a score that no config's evaluation has never fires. Warnings: others may write scores as well."""
    from llmops_git.configs.paths import suggestion

    if not rules:
        return []
    known = _scorers(tree, files)
    found = []
    for rule in rules:
        scorer = rule.metric.name.removeprefix(_SCORE).rpartition(".")[0]
        if scorer not in known:
            message = f"rule `{rule.id}` looks at scores of `{scorer}`, and no config has such a scorer"
            hint = suggestion(scorer, sorted(known)) or "a scorer of `evaluation.scorers`, which `monitor score` asks"
            found.append(Problem(path=rule.path, message=message, line=rule.line, column=1, hint=hint, severity="warning"))
    return found


def _scorers(tree: Tree, files: Sequence[str]) -> set[str]:
    """The names of all scorers, as far as the configs can be read."""
    from llmops_git.configs.yaml import parse

    names: set[str] = set()
    for path, data in tree.read(list(files)).items():
        try:
            value = parse(data, path).value
        except InvalidInput:
            continue  # said elsewhere
        evaluation = value.get("evaluation") if isinstance(value, dict) else None
        scorers = evaluation.get("scorers") if isinstance(evaluation, dict) else None
        names |= set(scorers) if isinstance(scorers, dict) else set()
    return names
