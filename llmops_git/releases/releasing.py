"""Releases one config: a tag and its evidence, published together, planned again whenever somebody else was first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmops_git.configs.values import Config
from llmops_git.releases.evidence import Evidence
from llmops_git.releases.evidence_branch import add_evidence
from llmops_git.releases.plan import Candidate, plan_release
from llmops_git.releases.race import publish_or_lose, until_published
from llmops_git.releases.registry import read_registry
from llmops_git.releases.rules import Nothing
from llmops_git.releases.seen import remember_tag
from llmops_git.releases.tags import ReleaseNote, TagRef, format_tag_message
from llmops_git.releases.values import Registry, Release
from llmops_git.repo.fetch import fetch_state
from llmops_git.repo.publish import Update
from llmops_git.repo.sign import UNSIGNED, Signing
from llmops_git.repo.write import Writer

if TYPE_CHECKING:
    from llmops_git.repo.git import Git


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A release that was made. `tag_object` is the id of its tag."""

    candidate: Candidate
    evidence: Evidence
    tag_object: str


def release_config(
    git: Git,
    remote: str | None,
    config: Config,
    evidence: Evidence,
    *,
    commit: str,
    load: Callable[[Release], Config | None],
    proceed: Callable[[], Nothing | None],
    signing: Signing = UNSIGNED,
) -> Released | Nothing:
    """Tag `commit` as the next release of `config`, with its evidence, in one atomic push.

    `load` gives the config of an earlier release, None when it cannot be loaded any more; `proceed` is asked before each
    attempt but the first whether the plan still makes sense. Raises Tampered, NotMeasured or Refused.
    """

    def attempt(number: int) -> Released | Nothing:
        if number:
            if remote is not None:
                fetch_state(git, remote)
            stop = proceed()
            if stop is not None:
                return stop
        registry = read_registry(git, remote=remote)
        newest = registry.newest(config.name)
        if newest is not None and newest.digest == config.digest:
            return Nothing(reason=f"{newest.name} already holds it")
        candidate = plan_release(config, newest, load(newest) if newest else None)
        return _publish(git, remote, registry, candidate, evidence, commit, signing)

    return until_published(attempt)


def _publish(
    git: Git, remote: str | None, registry: Registry, candidate: Candidate, evidence: Evidence, commit: str, signing: Signing
) -> Released:
    writer = Writer(git, signing)
    (placed,), update = add_evidence(git, writer, registry.evidence, [evidence])
    message = format_tag_message(note_of(candidate, placed, registry))
    tag_object = writer.tag(str(candidate.tag), commit, message)
    # evidence first: where a server cannot take both at once, a tag never names evidence that is not there
    updates = [*([update] if update else []), Update(candidate.tag.ref, tag_object, None)]
    publish_or_lose(git, remote, updates)
    remember_tag(git, remote, candidate.tag.ref, tag_object)
    return Released(candidate=candidate, evidence=placed, tag_object=tag_object)


def keep_evidence(git: Git, remote: str | None, records: Sequence[Evidence], *, signing: Signing = UNSIGNED) -> list[Evidence]:
    """Put records on the evidence branch without releasing anything: a refused release keeps its reasons.

    The records with their places. Raises what `repo.publish.publish` raises.
    """

    def attempt(number: int) -> list[Evidence]:
        if number and remote is not None:
            fetch_state(git, remote)
        tip = read_registry(git, remote=remote).evidence
        placed, update = add_evidence(git, Writer(git, signing), tip, records)
        if update is not None:
            publish_or_lose(git, remote, [update])
        return placed

    return until_published(attempt) if records else []


def note_of(candidate: Candidate, evidence: Evidence, registry: Registry) -> ReleaseNote:
    """What the tag of a release says."""
    config = candidate.config
    return ReleaseNote(
        tag=candidate.tag,
        summary=summary_of(candidate, evidence),
        config_digest=config.digest,
        closure_digest=config.closure_digest,
        model=f"{config.provider}/{config.model}",
        bump=candidate.bump_name,
        baseline=baseline_of(evidence, registry),
        verdict=evidence.verdict,
        scores=evidence.scores,
        eval_digest=config.eval_digest,
        evidence=TagRef(evidence.path, evidence.blob),
        statement=TagRef(evidence.statement, evidence.statement_blob) if evidence.statement else None,
        previous=candidate.previous.ref if candidate.previous else None,
    )


def baseline_of(evidence: Evidence, registry: Registry) -> TagRef | None:
    """What the evidence compares with, pinned: a release by its tag object, anything else by its commit."""
    if not evidence.base_name:
        return None
    release = registry.find(evidence.base_name)
    return release.ref if release else TagRef("commit", evidence.base_name)


def summary_of(candidate: Candidate, evidence: Evidence) -> str:
    """What people read in the tag: the config's own description, the verdict, and one line per score."""
    versus = f" against {evidence.base_name}" if evidence.base_name else ""
    lines = [f"{evidence.verdict}{versus}", *(_score_line(name, score) for name, score in _scores(evidence))]
    paragraphs = [candidate.config.description, candidate.note, "\n".join(lines)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _scores(evidence: Evidence) -> list[tuple[str, dict[str, float]]]:
    scores = evidence.scores.get("scores")
    return sorted(scores.items()) if isinstance(scores, dict) else []


def _score_line(name: str, score: dict[str, float]) -> str:
    """`queue 0.8 -> 0.9, better by +0.02 to +0.18, 30 cases`: the interval is oriented, plus is better."""
    sides = [f"{score[side]:.4g}" for side in ("base", "head") if side in score]
    line = f"{name} {' -> '.join(sides) or 'not measured'}"
    if "low" in score and "high" in score:
        line += f", better by {score['low']:+.3g} to {score['high']:+.3g}"
    return f"{line}, {score.get('n', 0)} cases"
