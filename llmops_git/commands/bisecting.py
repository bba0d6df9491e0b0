"""What `bisect` does: the versions of a config between two commits, each measured against the good one when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from llmops_git.commands.searching_score import Judgement, first_moved
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.evals.values import ScorerComparison

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.values import Config

SCHEMA = "llmops-git/bisect/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of the config: the first commit that has it."""

    commit: str
    config: Config


@dataclass(slots=True, kw_only=True)
class Trial:
    """Measures versions against the good one, all under the evaluation of the bad one, so that only the config differs."""

    project: Project
    policy: Policy
    scorer: str
    versions: list[Version]
    sent: int = 0
    found: dict[int, ScorerComparison | None] = field(default_factory=dict)

    def measure(self, index: int) -> ScorerComparison | None:
        """The comparison of one version with the good one; None where it was not measured."""
        from llmops_git.commands.evaluate import evaluate_configs

        if index not in self.found:
            good, version = self.versions[0], self.versions[index]
            head = replace(version.config, evaluation=self.versions[-1].config.evaluation)
            evaluated = evaluate_configs(
                self.project, [(good.config, head, good.commit)], against="merge base", policy=self.policy, head=version.commit
            )
            self.sent += evaluated.report.spending.sent
            (config,) = evaluated.report.configs
            own = [one for one in config.comparisons if one.instrument == "head"]
            scorers = {one.scorer: one for one in own[0].scorers} if own else {}
            self.found[index] = scorers.get(self.scorer)
        return self.found[index]

    def judge(self, index: int) -> Judgement:
        """Whether a version moved as the bad one did."""
        return moved_like(self.measure(index), self.measure(len(self.versions) - 1))


def moved_like(found: ScorerComparison | None, bad: ScorerComparison | None) -> Judgement:
    """On which side of the middle between good and bad a version is: told only where its whole interval is on one side.

    The question is not whether a version differs from the good one by more than a margin, but which of two ends it belongs
    to; that takes far fewer cases.
    """
    if found is None or bad is None or found.low is None or found.high is None or bad.delta is None:
        return "cannot tell"
    middle = (bad.delta if bad.direction == "higher" else -bad.delta) / 2  # intervals are oriented: plus is better
    if middle < 0:
        return "moved" if found.high < middle else "same" if found.low > middle else "cannot tell"
    return "moved" if found.low > middle else "same" if found.high < middle else "cannot tell"


def versions_between(project: Project, name: str, good: str, bad: str) -> list[Version]:
    """The versions of a config from `good` to `bad` (ids), along first parents, where its digest changed; the good one first.

    Commits at which the config is missing or cannot be loaded are left out. Raises LlmopsError where an end has none, and
    where `good` is not in the history of `bad`.
    """
    from llmops_git.repo.fetch import is_ancestor

    if not is_ancestor(project.git, good, bad):
        raise LlmopsError(f"{good[:12]} is not in the history of {bad[:12]}", hint="name an older commit with --good")
    between = project.git.run("rev-list", "--first-parent", "--reverse", f"{good}..{bad}").decode().split()
    found = [Version(commit=good, config=project.load(project.tree(good), name))]
    for commit in between:
        config = project.load(project.tree(bad), name) if commit == bad else _loaded(project, commit, name)
        if config is not None and config.digest != found[-1].config.digest:
            found.append(Version(commit=commit, config=config))
    if found[-1].config.digest != project.load(project.tree(bad), name).digest:
        raise LlmopsError(f"`{name}` at {bad[:12]} is none of the versions on the way there")
    return found


def _loaded(project: Project, commit: str, name: str) -> Config | None:
    try:
        return project.load(project.tree(commit), name)
    except NotMeasured:
        raise
    except LlmopsError:
        return None


def bisect_document(trial: Trial) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/bisect.schema.json."""
    count = len(trial.versions)
    ends = trial.measure(count - 1) if count > 1 else None
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "config": trial.versions[-1].config.name,
        "scorer": trial.scorer,
        "good": trial.versions[0].commit,
        "bad": trial.versions[-1].commit,
        "versions": count,
        "first": None,
        "last": None,
        "cannot_tell": [],
    }
    if ends is None or ends.verdict in {"inconclusive", "invalid"}:
        answer = "same" if count == 1 else "cannot tell"
    elif ends.verdict == "unchanged":
        answer = "same"
    else:
        place = first_moved(count, trial.judge)
        answer = "found" if place.first - place.last == 1 else "narrowed"
        document |= {"first": trial.versions[place.first].commit, "last": trial.versions[place.last].commit}
        document["cannot_tell"] = [version.commit for version in trial.versions[place.last + 1 : place.first]]
    tested = [_tested(trial, index, found) for index, found in sorted(trial.found.items())]
    return {**document, "answer": answer, "tested": tested, "requests_sent": trial.sent}


def _tested(trial: Trial, index: int, found: ScorerComparison | None) -> dict[str, Any]:
    names = ("base", "head", "delta", "low", "high", "verdict")
    values = {name: getattr(found, name) if found else None for name in names}
    return {"commit": trial.versions[index].commit, "config_digest": trial.versions[index].config.digest, **values}
