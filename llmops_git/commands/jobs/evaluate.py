"""`ci evaluate`: measures a change, gates it, and says what came out wherever the job may write."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from llmops_git.commands.jobs.session import Session
from llmops_git.commands.jobs.targets import Targets, targets_of
from llmops_git.errors import EXIT_GATE, EXIT_NOT_MEASURED, EXIT_OK, LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Candidate, Evaluated, Settings
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.values import Change
    from llmops_git.repo.changes import ChangeSet
    from llmops_git.repo.git import Git
    from llmops_git.reports.values import Report

FORKS = "a pull request from a fork is evaluated when a maintainer approves its commit"


def run(session: Session) -> int:
    """Evaluate the event's change. Exit code: 0 the gate lets it through, 1 it does not, 2 files are wrong, 3 not measured."""
    from llmops_git.commands.jobs.opened import session_project
    from llmops_git.commands.jobs.tell import tell, tell_failure, tell_started
    from llmops_git.commands.runs import check_output

    if session.inputs.shard:
        from llmops_git.commands.jobs.shard import run_shard

        return run_shard(session)
    check_output(session.inputs.report_dir)
    project = session_project(session)
    targets = targets_of(session, project.git.resolve("HEAD"))
    tell_started(session, targets)
    try:
        ready = prepared(session, project, targets)
        _say_renamed(session, ready.changes)
        _say_unlabelled(session, project, targets, ready.changes)
        evaluated = _evaluate(session, project, targets, ready)
    except LlmopsError as error:
        tell_failure(session, targets, error)
        raise
    tell(session, targets, project, evaluated, changes=ready.changes)
    return exit_code_of(session, evaluated.report)


class Prepared(NamedTuple):
    """What is known before anything is asked: the commit whose policy holds, that policy, and what changed."""

    tip: str
    policy: Policy
    changes: ChangeSet


def prepared(session: Session, project: Project, targets: Targets) -> Prepared:
    """Bring the commits here, and see what changed. Raises LlmopsError."""
    from llmops_git.commands.jobs.roots import policy_root_of
    from llmops_git.repo.deepen import ensure_commits, ensure_merge_base

    git = project.git
    remote = next(iter(git.run("remote").decode().split()), None)
    tip = _tip_now(git, remote, targets)
    ensure_commits(git, remote, [tip, targets.head])
    base = targets.base or ensure_merge_base(git, remote, tip, targets.head)
    ensure_commits(git, remote, [base])
    project.root = policy_root_of(project, tip, targets.head)
    policy = project.policy(project.tree(tip))
    click.echo(f"comparing {targets.head[:12]} with {base[:12]} under the policy of {tip[:12]}: {targets.why}")
    # imported here: what measures is large, and whoever waits has been told already
    from llmops_git.commands.candidates import with_limits
    from llmops_git.repo.changes import compute_changes

    policy = with_limits(policy, max_usd=session.inputs.max_usd, max_requests=None)
    changes = compute_changes(git, base, targets.head, root=project.root)
    _look_at_policy(session, project, base=base, head=targets.head, tip=tip)
    _refuse_unknown(session, project, changes)
    return Prepared(tip, policy, changes)


def _look_at_policy(session: Session, project: Project, *, base: str, head: str, tip: str) -> None:
    """A policy that the change edits does not judge it, and must be one: merged, it is what every later job stands on."""
    from llmops_git.configs.policy import POLICY_FILE
    from llmops_git.configs.policy_file import PRICES_FILE, RETIREMENTS_FILE, load_policy

    before, after = project.tree(base), project.tree(head)
    paths = [f"{project.root}/{name}".lstrip("/") for name in (POLICY_FILE, PRICES_FILE, RETIREMENTS_FILE)]
    edited = [path for path in paths if before.entry(path) != after.entry(path)]
    if not edited:
        return
    load_policy(after, project.root)
    said = f"{' and '.join(edited)}: edited here, and in force from the merge on"
    session.note("notice", f"{said}; this change is judged by what {tip[:12]} says")


def _say_renamed(session: Session, changes: ChangeSet) -> None:
    """A new name is a new config to everybody who deploys it, whatever reaches the model."""
    for change in changes.changes:
        if change.base is not None and change.head is not None and change.base.name != change.head.name:
            old, new = change.base.name, change.head.name
            said = f"{old} is called {new} from the merge on: {new} has releases of its own"
            session.note("notice", f"{said}, and what runs as {old} goes on running")


def _say_unlabelled(session: Session, project: Project, targets: Targets, changes: ChangeSet) -> None:
    """Rows that nobody has labelled yet, where the change goes to the branch on which `check` refuses them."""
    from llmops_git.commands.unlabelled import unlabelled_between
    from llmops_git.reports.annotations import annotations_of_problems

    if targets.into not in ("", session.event.default_branch) or not changes.base_oid:
        return
    for remark in annotations_of_problems(list(unlabelled_between(project, changes.base_oid, targets.head))):
        session.log.annotate(remark)


def _refuse_unknown(session: Session, project: Project, changes: ChangeSet) -> None:
    """A name that no config has would leave nothing to evaluate, and the gate open for good."""
    asked = set(session.inputs.configs) - {change.config for change in changes.changes}
    if not asked:
        return
    known = {*project.configs(project.tree(changes.base_oid)), *project.configs(project.tree(changes.head_name))}
    if unknown := sorted(asked - known):
        names = ", ".join(f"`{name}`" for name in unknown)
        hint = f"configs are named as in {', '.join(sorted(known)) or 'no file'}; several are separated by white space"
        raise LlmopsError(f"there is no config {names}", hint=hint)


def _tip_now(git: Git, remote: str | None, targets: Targets) -> str:
    """The tip of the branch that the change goes to: a rule that was made stricter yesterday holds for older changes, too."""
    from llmops_git.repo.refs import list_remote

    if remote is None or not targets.into:
        return targets.tip
    ref = f"refs/heads/{targets.into}"
    return list_remote(git, remote, ref).get(ref, targets.tip)


class Gathered(NamedTuple):
    """What a job evaluates, and how it gets replies. `missing` are the variables of keys that are not set."""

    candidates: Sequence[Candidate]
    removed: Sequence[Change]
    missing: Sequence[str]
    mode: Literal["live", "replay", "plan"]


def gathered(session: Session, project: Project, ready: Prepared) -> Gathered:
    """The configs that are asked for, among those that changed, against what runs in production now."""
    from llmops_git.commands.candidates import candidates_of
    from llmops_git.commands.jobs.keys import missing_keys

    policy, changes, asked = ready.policy, ready.changes, session.inputs.configs
    names = [change.config for change in changes.changes if change.config in asked]
    _fetch_production(project, policy)
    candidates = candidates_of(project, changes, names=names, policy=policy, environment=session.inputs.environment or None)
    candidates = candidates if names or not asked else ()
    removed = [change for change in changes.changes if change.status == "removed" and (not asked or change.config in asked)]
    missing = missing_keys(candidates, policy, session.environ)
    return Gathered(candidates, removed, missing, chosen_mode(session, missing) if candidates else "live")


def _evaluate(session: Session, project: Project, targets: Targets, ready: Prepared) -> Evaluated:
    """The report on the change, measured where it can be; the token is in none of it."""
    from llmops_git.commands.evaluate import evaluate_candidates, plan_candidates
    from llmops_git.commands.guard_trials import guarded_by
    from llmops_git.commands.guarding import with_guardrails
    from llmops_git.commands.secrets import without_secrets
    from llmops_git.commands.showing import plan_line

    policy, changes = ready.policy, ready.changes
    candidates, removed, missing, mode = gathered(session, project, ready)
    with replies_of(session, project, ready.tip, mode) as replay:
        settings = settings_of(session, project, policy, replay)
        if mode == "plan":
            plan = plan_line(plan_candidates(candidates, policy=policy, settings=settings))
            why_not = f"{why_not_measured(targets, missing)}; {plan}"
            return unmeasured(candidates, removed, why_not, changes)
        guarded = guarded_by(project, changes, policy, names=session.inputs.configs)
        evaluated = evaluate_candidates(
            candidates,
            policy=policy,
            settings=settings,
            base=changes.base_oid,
            head=targets.head,
            total=changes.total_configs,
            removed=removed,
        )
        evaluated = with_guardrails(evaluated, guarded, policy=policy, settings=settings)
        return without_secrets(evaluated, [session.token])


def _fetch_production(project: Project, policy: Policy) -> None:
    """What runs in production, and what releases measured, as the remote has it. Raises Tampered when that was rewritten."""
    from llmops_git.repo.fetch import fetch_state
    from llmops_git.repo.refs import remote_in_use

    remote = remote_in_use(project.git, policy.remote)
    if remote is not None:
        fetch_state(project.git, remote)


def settings_of(session: Session, project: Project, policy: Policy, replay: Path | None) -> Settings:
    from llmops_git.commands.evaluate import known_from_releases, replies_folder
    from llmops_git.commands.jobs.earlier import earlier_runs
    from llmops_git.commands.showing import show_plan
    from llmops_git.commands.trial import Settings

    earlier = earlier_runs(session)
    return Settings(
        replies=replies_folder(project),
        replay=replay,
        # earlier attempts bring the base's samples along; another run of the base would count some of them twice
        released=None if replay or earlier else known_from_releases(project, policy),
        earlier=earlier,
        on_plan=show_plan,
    )


def chosen_mode(session: Session, missing: Sequence[str]) -> Literal["live", "replay", "plan"]:
    """How to get replies: as asked for, else live where no key is missing, else recorded ones, else only a plan."""
    asked = session.inputs.mode
    if asked != "auto":
        return asked
    if not missing:
        return "live"
    return "replay" if session.inputs.replies else "plan"


def why_not_measured(targets: Targets, missing: Sequence[str]) -> str:
    """Why nothing was asked, for the report."""
    if not missing:
        return "only planned, as asked for"
    absent = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set in this job"
    if not targets.trusted:
        return f"{FORKS}: {absent}"
    return f"{absent} (it takes a secret of that name, and a line under env: of the step that hands it over)"


@contextmanager
def replies_of(session: Session, project: Project, tip: str, mode: str) -> Iterator[Path | None]:
    """For mode replay, the recorded replies of the commit that the change goes to: a change cannot bring its own."""
    if mode != "replay":
        yield None
        return
    if not session.inputs.replies:
        raise LlmopsError("mode replay needs recorded replies", hint="replies: FOLDER  (made by llmops-git eval --record)")
    tree = project.tree(tip)
    folder = project.path(session.inputs.replies)
    files = [path for path in tree.walk(folder) if path.startswith(f"{folder}/")]
    if not files:
        raise LlmopsError(f"{folder} has no recorded replies at {tip[:12]}")
    with tempfile.TemporaryDirectory(prefix="llmops-git-") as place:
        for path, data in tree.read(files).items():
            target = Path(place, path.removeprefix(f"{folder}/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        yield Path(place)


def unmeasured(candidates: Sequence[Candidate], removed: Sequence[Change], why_not: str, changes: ChangeSet) -> Evaluated:
    """The report where nothing could be asked: what changed, what it would take, and no verdict."""
    from llmops_git.commands.assemble import removed_report
    from llmops_git.commands.trial import Evaluated
    from llmops_git.reports.values import ConfigReport, Report

    configs = tuple(
        ConfigReport(
            change=candidate.change,
            comparisons=(),
            runs=(),
            verdict="invalid",
            gate_passes=False,
            evaluated=False,
            notes=(*candidate.notes, why_not),
        )
        for candidate in candidates
    )
    gone = tuple(removed_report(change) for change in removed)
    report = Report(
        base=changes.base_oid,
        head=changes.head_name,
        configs_total=changes.total_configs,
        configs=(*configs, *gone),
        verdict="invalid",
        gate_passes=False,
    )
    return Evaluated(report=report)


def exit_code_of(session: Session, report: Report) -> int:
    if report.gate_passes:
        return EXIT_OK
    code = EXIT_NOT_MEASURED if report.verdict == "invalid" else EXIT_GATE
    if session.inputs.fail_on == "never":
        click.echo(f"the gate says no (exit code {code}), and this job only reports: fail-on is never")
        return EXIT_OK
    return code
