"""What `release` does, config by config: load, find or make evidence, decide, tag. A reconciler: twice is once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from llmops_git.errors import EXIT_GATE, EXIT_NOT_MEASURED, EXIT_OK, EXIT_USAGE, InvalidInput, LlmopsError, NotMeasured, Problem
from llmops_git.releases.evidence import Evidence, EvidenceKey
from llmops_git.releases.plan import Candidate, Decision, decide, needs_release, plan_release

if TYPE_CHECKING:
    from llmops_git.commands.state import State
    from llmops_git.commands.trial import Evaluated
    from llmops_git.configs.values import Config

What = Literal["released", "would release", "would evaluate", "unchanged", "refused", "invalid", "not measured"]
_EXIT_CODES: Mapping[What, int] = {"invalid": EXIT_USAGE, "refused": EXIT_GATE, "not measured": EXIT_NOT_MEASURED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one config. `evidence` is a path on the evidence branch, or "" while there is none."""

    config: str
    what: What
    tag: str = ""
    tag_object: str = ""
    bump: str = ""
    previous: str = ""
    digest: str = ""
    verdict: str = ""
    evidence: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What became of all configs. `paths` are their files; `problems` those of files that are wrong, by config.

    `evaluated` is there where something had to be measured. `failure` is what stopped the work half-way: what was done
    until then stays done.
    """

    outcomes: tuple[Outcome, ...]
    paths: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    evaluated: Evaluated | None = None
    failure: LlmopsError | None = None

    @property
    def exit_code(self) -> int:
        """2 when files are wrong, else 1 when the gate refused a config, else 3 when one could not be measured, else 0."""
        codes = {_EXIT_CODES.get(outcome.what, EXIT_OK) for outcome in self.outcomes}
        return next((code for code in (EXIT_USAGE, EXIT_GATE, EXIT_NOT_MEASURED) if code in codes), EXIT_OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """The configs of a commit: those that can be loaded by name, the files of all, and what is wrong with the others."""

    configs: Mapping[str, Config]
    paths: Mapping[str, str]
    broken: tuple[Outcome, ...]
    problems: Mapping[str, tuple[Problem, ...]]


def release_configs(state: State, names: Sequence[str], folders: Sequence[Path], *, commit: str, dry_run: bool) -> Reconciled:
    """Release every config (or those named) of `commit` that differs from its newest release and has passing evidence.

    What has evidence already is released before anything is measured.
    """
    loaded = _load(state, names, commit)
    configs = loaded.configs
    pending = {name: configs[name] for name in needs_release(state.registry, configs)}
    records = _find_evidence(state, pending, folders)
    decisions = {name: decide(config, records[name]) for name, config in pending.items()}
    unchanged = [_unchanged(state, config) for name, config in configs.items() if name not in pending]
    if dry_run:
        done = _Progress(outcomes=[_planned(state, config, decisions[name]) for name, config in pending.items()])
    else:
        done = _release(state, pending, decisions, commit)
    return Reconciled(
        outcomes=tuple(sorted((*loaded.broken, *unchanged, *done.outcomes), key=lambda outcome: outcome.config)),
        paths=loaded.paths,
        problems=loaded.problems,
        evaluated=done.evaluated,
        failure=done.failure,
    )


@dataclass(slots=True, kw_only=True)
class _Progress:
    """What was done so far."""

    outcomes: list[Outcome] = field(default_factory=list)
    evaluated: Evaluated | None = None
    failure: LlmopsError | None = None


def _release(state: State, pending: Mapping[str, Config], decisions: Mapping[str, Decision], commit: str) -> _Progress:
    """Release what is decided, then measure the rest and release that. Stops at the first failure and keeps what was done."""
    from llmops_git.commands.signing import try_signing

    done = _Progress()
    missing = {name: config for name, config in pending.items() if decisions[name].state == "missing"}
    try:
        if missing:
            try_signing(state)
        for name, config in pending.items():
            if name not in missing:
                done.outcomes.append(_act(state, config, decisions[name], commit))
        if missing:
            done.evaluated = _evaluate(state, missing, commit)
            fresh = _keep_refusals(state, done.evaluated)
            for name, config in missing.items():
                decision = decide(config, [fresh[name]]) if name in fresh else decisions[name]
                done.outcomes.append(_act(state, config, decision, commit))
    except LlmopsError as error:
        done.failure = error
    acted = {outcome.config for outcome in done.outcomes}
    reason = "not tried: something failed before"
    done.outcomes += [
        Outcome(config=name, what="not measured", digest=config.digest, reason=reason)
        for name, config in pending.items() if name not in acted
    ]  # fmt: skip
    return done


def _load(state: State, names: Sequence[str], commit: str) -> _Loaded:
    """The configs at `commit`; one that is broken does not keep the others from being released.

    What is released already needs only its digest; what differs is checked in full.
    """
    from llmops_git.commands.neighbours import claims, owner_of
    from llmops_git.configs.closure import Closures
    from llmops_git.configs.load import load_config

    tree = state.project.tree(commit)
    paths = {name: state.project.find(tree, name) for name in names} or state.project.configs(tree)
    closures = Closures(tree, state.policy.root)
    claimed = claims(state.project, tree)
    configs: dict[str, Config] = {}
    broken: list[Outcome] = []
    problems: dict[str, tuple[Problem, ...]] = {}
    for name, path in sorted(paths.items()):
        try:
            config = load_config(tree, path, state.policy, check=False, closures=closures)
            if newest_digest(state, config.name) != config.digest:
                newest = state.registry.newest(config.name)
                owner = owner_of(state.project, newest, claimed) if newest else None
                if owner is not None:
                    raise LlmopsError(
                        f"{newest.name if newest else ''} is a release of the project in {owner or 'the top folder'}: "
                        "in one repository each config needs a name of its own"
                    )
                config = load_config(tree, path, state.policy, closures=closures)
        except NotMeasured:
            raise
        except LlmopsError as error:
            broken.append(Outcome(config=name, what="invalid", reason=error.message))
            if isinstance(error, InvalidInput):
                problems[name] = error.problems
            continue
        configs[config.name] = config
    return _Loaded(configs=configs, paths=dict(paths), broken=tuple(broken), problems=problems)


def newest_digest(state: State, config: str) -> str:
    newest = state.registry.newest(config)
    return newest.digest if newest else ""


def _key(config: Config) -> EvidenceKey:
    return EvidenceKey(config.name, config.digest, config.eval_digest)


def _find_evidence(state: State, pending: Mapping[str, Config], folders: Sequence[Path]) -> dict[str, list[Evidence]]:
    """The records about each config: those on the evidence branch, then those of the run folders given."""
    from llmops_git.commands.evidence import evidence_in_folder
    from llmops_git.releases.evidence_branch import read_evidence

    keys = [_key(config) for config in pending.values() if config.evaluation]
    kept = read_evidence(state.project.git, state.registry.evidence, keys)
    given = [record for folder in folders for record in evidence_in_folder(folder)]
    return {
        name: [*kept.get(_key(config), ()), *(record for record in given if record.key == _key(config))]
        for name, config in pending.items()
    }


def _evaluate(state: State, missing: Mapping[str, Config], commit: str) -> Evaluated:
    """Run what has no evidence yet against its newest release."""
    from llmops_git.commands.evaluate import evaluate_configs

    pairs = []
    for name, config in missing.items():
        newest = state.registry.newest(name)
        base = state.load_or_none(newest) if newest else None
        pairs.append((base, config, newest.name if newest and base else ""))
    return evaluate_configs(state.project, pairs, against="previous release", policy=state.policy, head=commit)


def _keep_refusals(state: State, evaluated: Evaluated) -> Mapping[str, Evidence]:
    """The records of a run, by config. Those that failed are put on the evidence branch at once: they explain the refusal,
    and nothing is measured until it passes."""
    from llmops_git.commands.evidence import evidence_in_report
    from llmops_git.commands.signing import signing_of
    from llmops_git.releases.releasing import keep_evidence

    fresh = {record.config: record for record in evidence_in_report(evaluated.report)}
    failed = [record for record in fresh.values() if not record.gate_passes and record.verdict != "invalid"]
    kept = keep_evidence(state.project.git, state.remote, failed, signing=signing_of(state))
    return {**fresh, **{record.config: record for record in kept}}


def _act(state: State, config: Config, decision: Decision, commit: str) -> Outcome:
    """Release one config, or say why not."""
    from llmops_git.commands.mainline import superseded
    from llmops_git.commands.signing import signing_of
    from llmops_git.releases.releasing import release_config
    from llmops_git.releases.rules import Nothing

    if decision.state != "passes" or decision.evidence is None:
        return _not_released(config, decision)
    done = release_config(
        state.project.git,
        state.remote,
        config,
        decision.evidence,
        commit=commit,
        load=state.load_or_none,
        proceed=lambda: superseded(state, commit),
        signing=signing_of(state),
    )
    if isinstance(done, Nothing):
        return Outcome(config=config.name, what="unchanged", digest=config.digest, reason=done.reason)
    outcome = _outcome(done.candidate, "released", done.evidence)
    return replace(outcome, tag_object=done.tag_object)


def _not_released(config: Config, decision: Decision) -> Outcome:
    record = decision.evidence
    invalid = decision.state == "missing" or (record is not None and record.verdict == "invalid")
    return Outcome(
        config=config.name,
        what="not measured" if invalid else "refused",
        digest=config.digest,
        verdict=record.verdict if record else "",
        evidence=record.path if record else "",
        reason=decision.reason,
    )


def _planned(state: State, config: Config, decision: Decision) -> Outcome:
    """What a run without --dry-run would do."""
    if decision.state == "refused":
        return _not_released(config, decision)
    newest = state.registry.newest(config.name)
    candidate = plan_release(config, newest, state.load_or_none(newest) if newest else None)
    what: What = "would release" if decision.state == "passes" else "would evaluate"
    return _outcome(candidate, what, decision.evidence)


def _unchanged(state: State, config: Config) -> Outcome:
    newest = state.registry.newest(config.name)
    name = newest.name if newest else ""
    return Outcome(config=config.name, what="unchanged", tag=name, digest=config.digest, reason=f"{name} already holds it")


def _outcome(candidate: Candidate, what: What, evidence: Evidence | None) -> Outcome:
    return Outcome(
        config=candidate.config.name,
        what=what,
        tag=str(candidate.tag),
        bump=candidate.bump_name,
        previous=candidate.previous.name if candidate.previous else "",
        digest=candidate.config.digest,
        verdict=evidence.verdict if evidence else "",
        evidence=evidence.path if evidence else "",
        reason=candidate.note,
    )
