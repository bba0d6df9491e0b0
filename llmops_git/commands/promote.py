"""`llmops-git promote`: make a release run in an environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from llmops_git.commands.signing import sign_option
from llmops_git.commands.state import dry_run_option
from llmops_git.errors import EXIT_OK

if TYPE_CHECKING:
    from llmops_git.configs.policy import Environment
    from llmops_git.releases.deploy import Step
    from llmops_git.releases.rules import Nothing
    from llmops_git.releases.values import Registry


@click.command("promote")
@click.argument("config", required=False)
@click.argument("version", required=False)
@click.option("--to", "environment", metavar="ENV", help="The environment to promote to.")
@click.option("--automatic", is_flag=True, help="Bring every environment with `promote: automatic` up to date instead.")
@click.option("--reason", metavar="TEXT", default="", help="Why; kept in the environment's history.")
@click.option("--pull-request", is_flag=True, help="Open a pull request into the environment's branch instead.")
@sign_option
@dry_run_option
def command(
    config: str | None,
    version: str | None,
    environment: str | None,
    automatic: bool,
    reason: str,
    pull_request: bool,
    sign: bool | None,
    dry_run: bool,
) -> int:
    """Make a release of CONFIG run in an environment.

    VERSION is, unless given, what runs in the environment before (`after:` in llmops.yaml), or the newest release.
    """
    if automatic:
        if environment or version:
            raise click.UsageError("--automatic decides environments and versions itself")
        if pull_request:
            raise click.UsageError("--automatic waits for nobody, and a pull request does: leave one of them out")
        return _automatic(config, sign=sign, dry_run=dry_run)
    if not config or not environment:
        raise click.UsageError("which config, and to which environment? llmops-git promote CONFIG [VERSION] --to ENV")
    from llmops_git.commands.promotion import carry_out
    from llmops_git.commands.state import environment_of, read_state

    state = read_state(fetch=True, sign=sign)
    decide = promotion(environment_of(state.policy, environment), config, version or "", reason)
    carry_out(state, environment, decide, pull_request=pull_request, dry_run=dry_run)
    return EXIT_OK


def promotion(environment: Environment, config: str, version: str, reason: str) -> Callable[[Registry], Step | Nothing]:
    """The decision to promote a release that somebody named (`version` "": see `choose_release`)."""

    def decide(registry: Registry) -> Step | Nothing:
        from llmops_git.releases.deploy import Step
        from llmops_git.releases.rules import check_promotion, choose_release

        release = choose_release(registry, config, environment, version)
        nothing = check_promotion(registry, environment, release)
        return nothing or Step(release=release, action="promote", reason=reason)

    return decide


def _automatic(config: str | None, *, sign: bool | None, dry_run: bool) -> int:
    from llmops_git.commands.deploying import promote_automatically
    from llmops_git.commands.state import read_state

    state = read_state(fetch=True, sign=sign)
    promoted = promote_automatically(state, [config] if config else [], dry_run=dry_run)
    if promoted.failure is not None:
        raise promoted.failure
    if not promoted.deployed:
        click.echo("nothing to promote")
    return EXIT_OK
