"""`ci promote` and `ci rollback`: deployments that somebody dispatched, at once or as pull requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from llmops_git.commands.jobs.session import Session
from llmops_git.errors import EXIT_OK, LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.promotion import Opened
    from llmops_git.commands.state import State
    from llmops_git.configs.policy import Environment
    from llmops_git.releases.deploy import Deployed, Step
    from llmops_git.releases.rules import Nothing
    from llmops_git.releases.values import Registry

Decide = Callable[["Registry"], "Step | Nothing"]


@dataclass(slots=True, kw_only=True)
class _Done:
    """What was done so far."""

    deployed: list[Deployed] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    idle: list[tuple[str, str]] = field(default_factory=list)  # config, why there was nothing to do
    failures: list[tuple[str, LlmopsError]] = field(default_factory=list)


def run(session: Session) -> int:
    """Promote the configs named, or all that are behind. Exit code: as `llmops-git promote`."""
    from llmops_git.commands.promote import promotion
    from llmops_git.commands.state import environment_of

    state, environment = _start(session)
    target = environment_of(state.policy, environment)
    version, reason = _input(session, "version"), _input(session, "reason")
    configs = _configs(session)
    if version and len(configs) != 1:
        raise LlmopsError("a version belongs to one config", hint="config: NAME")
    named = configs or _behind(state, target)
    if not named:
        click.echo(f"nothing to promote: {environment} is up to date")
    return _carry_out(session, state, environment, {name: promotion(target, name, version, reason) for name in named})


def rollback(session: Session) -> int:
    """Roll back the configs named. Exit code: as `llmops-git rollback`."""
    from llmops_git.commands.rollback import going_back
    from llmops_git.commands.state import environment_of

    state, environment = _start(session)
    environment_of(state.policy, environment)
    version, reason = _input(session, "version"), _input(session, "reason")
    configs = _configs(session)
    if not configs:
        raise LlmopsError("which config is to be rolled back?", hint="config: NAME")
    if version and len(configs) > 1:
        raise LlmopsError("a version belongs to one config", hint="config: NAME")
    decisions = {name: going_back(state, environment, name, version, reason) for name in configs}
    return _carry_out(session, state, environment, decisions)


def _start(session: Session) -> tuple[State, str]:
    """The state under the policy of the default branch, and the environment. Raises LlmopsError."""
    from llmops_git.commands.jobs.acting import acting_state, on_default_branch

    session.output(deployed="[]", pull_request_url="")
    if session.event.kind not in ("dispatch", "other", "schedule"):
        message = f"a `{session.event.name}` event deploys nothing: somebody has to ask for it"
        raise LlmopsError(message, hint="on: {workflow_dispatch: {inputs: …}}")
    if _as_pull_request(session) and session.forge is None:
        raise LlmopsError("a pull request needs a token", hint="token: ${{ github.token }}, with pull-requests: write")
    environment = _input(session, "environment")
    if not environment:
        raise LlmopsError("which environment?", hint="environment: production")
    state, _ = on_default_branch(session, acting_state(session))
    return state, environment


def _input(session: Session, name: str) -> str:
    """What the job was given, else what whoever dispatched it said."""
    given: str = getattr(session.inputs, name)
    return given or session.event.inputs.get(name, "").strip()


def _configs(session: Session) -> Sequence[str]:
    return session.inputs.configs or tuple(dict.fromkeys(session.event.inputs.get("config", "").split()))


def _as_pull_request(session: Session) -> bool:
    return session.inputs.as_pull_request


def _behind(state: State, environment: Environment) -> list[str]:
    """The configs that have something newer to run there. What was rolled back stays so until somebody names it."""
    from llmops_git.commands.neighbours import names_of_neighbours
    from llmops_git.releases.rules import Nothing, automatic_release

    strange = names_of_neighbours(state.project, state.project.tree("HEAD"))
    found = []
    for config in state.registry.releases:
        if config in strange:
            continue
        release = automatic_release(state.registry, environment, config)
        if not isinstance(release, Nothing):
            found.append(config)
        elif release.held:
            click.echo(f"{release.reason}; name it to promote it again")
    return found


def _carry_out(session: Session, state: State, environment: str, decisions: dict[str, Decide]) -> int:
    """Do all of it, tell what was done, then raise the first thing that went wrong."""
    from llmops_git.commands.deploying import stops_all

    done = _Done()
    for config, decide in decisions.items():
        try:
            _one(session, state, environment, config, decide, done)
        except LlmopsError as error:
            done.failures.append((config, error))
            if stops_all(error):
                break
    _tell(session, done)
    if done.failures:
        raise done.failures[0][1]
    return EXIT_OK


def _one(session: Session, state: State, environment: str, config: str, decide: Decide, done: _Done) -> None:
    from llmops_git.commands.deploying import deploy_step, show_deployed
    from llmops_git.commands.promotion import Hall, propose_step, show_opened
    from llmops_git.releases.deploy import Deployed
    from llmops_git.releases.rules import Nothing

    dry_run = session.inputs.dry_run
    result: Deployed | Opened | Nothing
    if _as_pull_request(session) and session.forge is not None:
        hall = Hall(forge=session.forge, server=session.server, run_url=session.event.run_url)
        result = propose_step(state, environment, decide, hall, dry_run=dry_run)
    else:
        result = deploy_step(state, environment, decide, dry_run=dry_run)
    if isinstance(result, Nothing):
        click.echo(f"nothing to do: {result.reason}")
        done.idle.append((config, result.reason))
    elif isinstance(result, Deployed):
        show_deployed(result, dry_run=dry_run)
        done.deployed.append(result)
    else:
        show_opened(result, dry_run=dry_run)
        done.opened.append(result)
        if result.warning:
            session.note("warning", result.warning)


def _tell(session: Session, done: _Done) -> None:
    """Outputs, the page of the run, and a note for each failure but the first, which ends the job."""
    from llmops_git.commands.jobs.deployed import deployed_output, deployed_rows
    from llmops_git.reports.release_page import Row, page

    session.output(deployed=deployed_output(done.deployed), pull_request_url="\n".join(opened.url for opened in done.opened))
    for _, error in done.failures[1:]:
        session.note("error", error.message)
    tables = {
        "Environments": deployed_rows(session, done.deployed),
        "Waiting for a merge": [
            Row(what="pull request", name=each.title, link=each.url, about=each.warning) for each in done.opened
        ],
        "Not done": [Row(what="failed", name=config, about=error.message) for config, error in done.failures],
        "Nothing to do": [Row(what="unchanged", name=config, about=reason) for config, reason in done.idle],
    }
    session.log.summary(page("Deployments", tables, nothing="nothing to deploy"))
