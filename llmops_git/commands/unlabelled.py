"""Cases that nobody has labelled yet: where they stand, and whether they may be where they are.

A live failure becomes a case before anybody has said what the right answer is. On a branch that is work to do; on the default
branch it would be a row that looks like a test and tests nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError, Problem, Severity

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import Config, Evaluation
    from llmops_git.repo.git import Git

FIELD = "$.needs_label"
USUAL = ("main", "master")
_ENDINGS = (".jsonl", ".csv", ".yaml", ".yml")
HINT = "write `expected` (where its scorers compare with one) and delete `needs_label`, or delete the row"


def unlabelled_problems(tree: Tree, config: Config, severity: Severity) -> Iterator[Problem]:
    """A problem for each case of a config that needs a label, at its row."""
    from llmops_git.configs.cases import read_cases

    if config.evaluation is None or not config.evaluation.unlabelled:
        return
    paths = dict.fromkeys(item.path for item in config.closure if item.role == "dataset")
    for path, data in tree.read(paths).items():
        file = read_cases(path, data)
        for case, line in zip(file.cases, file.lines, strict=True):
            if case.needs_label:
                message = f"case `{case.id}` needs a label, and is not scored"
                yield Problem(path=path, line=line, pointer=FIELD, message=message, hint=HINT, severity=severity)


def unlabelled_between(project: Project, base: str, head: str) -> Iterator[Problem]:
    """A warning for each row that a change adds to any eval set and that needs a label: merged, `check` would refuse it."""
    from llmops_git.configs.cases import read_cases
    from llmops_git.repo.differences import tree_differences

    trees = project.git.run("rev-parse", f"{base}^{{tree}}", f"{head}^{{tree}}").decode().split()
    [changed] = tree_differences(project.git, [(trees[0], trees[1])])
    paths = [path for path in sorted(changed) if path.lower().endswith(_ENDINGS)]
    before, after = (project.tree(commit).read(paths) for commit in (base, head))
    for path, data in after.items():
        if b"needs_label" not in data:
            continue
        known = {case.id for case in read_cases(path, before.get(path, b"")).cases if case.needs_label}
        file = read_cases(path, data)
        for case, line in zip(file.cases, file.lines, strict=True):
            if case.needs_label and case.id not in known:
                message = f"case `{case.id}` needs a label before this is merged: it is not scored"
                yield Problem(path=path, line=line, pointer=FIELD, message=message, hint=HINT, severity="warning")


def unlabelled_notes(evaluation: Evaluation | None) -> tuple[str, ...]:
    """What a report says of the cases that it leaves out."""
    count = len(evaluation.unlabelled) if evaluation is not None else 0
    if not count:
        return ()
    words = (
        "1 case of the eval set needs a label and is" if count == 1 else f"{count} cases of the eval set need a label and are"
    )
    return (f"{words} not scored: llmops-git check says which",)


def on_default_branch(project: Project, revision: str | None) -> bool:
    """Whether what is looked at is the default branch: its newest commit as this clone knows it or, for `revision` None (the
    work tree or the index), what is to be committed to it. No remote is asked."""
    from llmops_git.repo.default_branch import default_branch
    from llmops_git.repo.refs import remote_in_use

    git = project.git
    checked_out = git.try_run("symbolic-ref", "--quiet", "--short", "HEAD").out.decode().strip()
    try:
        policy = project.policy(project.tree("HEAD"))
        remote = remote_in_use(git, policy.remote)
        known = default_branch(git, remote, ask=False, name=policy.default_branch)
    except LlmopsError:
        known = None
    if known is None:  # nothing is committed, or the remote was never read: the branch that is here is all there is
        return revision is None and checked_out in USUAL
    if revision is None and checked_out:
        return checked_out == known.name
    commits = {known.commit, _commit(git, f"refs/heads/{known.name}")}
    return _commit(git, revision or "HEAD") in commits - {""}


def _commit(git: Git, revision: str) -> str:
    return git.try_run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").out.decode().strip()
