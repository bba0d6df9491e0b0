"""Checks before a release: HEAD is the newest commit of the default branch, nothing is uncommitted, no tag is only here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.state import State
    from llmops_git.releases.rules import Nothing
    from llmops_git.repo.mainline import Mainline


def mainline_of(state: State) -> Mainline:
    """Where HEAD stands against the default branch."""
    from llmops_git.repo.mainline import read_mainline

    return read_mainline(state.project.git, state.remote, state.policy.default_branch)


def objections(state: State, mainline: Mainline) -> list[LlmopsError]:
    """Why nothing may be released from here, each with what to do about it."""
    from llmops_git.repo.mainline import uncommitted

    default, head = mainline.default, mainline.head[:12]
    found = []
    if mainline.standing == "elsewhere":
        where = f"branch `{mainline.branch}`" if mainline.branch else f"commit {head}"
        found.append(LlmopsError(f"releases are made from `{default}`, and this is {where}", hint=f"git switch {default}"))
    if mainline.standing == "ahead":
        message = f"commit {head} is not on `{default}` of the remote `{state.remote}` yet"
        found.append(LlmopsError(message, hint=f"git push {state.remote} {default}"))
    if uncommitted(state.project.git):
        message = "there are uncommitted changes, and a release holds only what is committed"
        found.append(LlmopsError(message, hint="git commit, or git stash"))
    return found + only_here(state, mainline)


def only_here(state: State, mainline: Mainline) -> list[LlmopsError]:
    """Release tags that the remote does not have: the next version must not be counted from them."""
    from llmops_git.releases.seen import forget_tags

    if mainline.remote_tags is None:
        return []
    ours = [release for releases in state.registry.releases.values() for release in releases]
    lost = [release for release in ours if release.tag.ref not in mainline.remote_tags]
    forget_tags(state.project.git, state.remote, [release.tag.ref for release in lost])
    return [
        LlmopsError(
            f"{release.name} is only in this clone, not on the remote `{state.remote}`",
            hint=f"git push {state.remote} {release.tag.ref}, or git tag --delete {release.name}",
        )
        for release in lost[:1]
    ]


def superseded(state: State, commit: str) -> Nothing | None:
    """After a lost race: whether the default branch has moved on, so that a newer commit is to be released instead."""
    from llmops_git.releases.rules import Nothing

    mainline = mainline_of(state)
    if mainline.tip == commit:
        return None
    return Nothing(reason=superseded_by(mainline, commit))


def superseded_by(mainline: Mainline, commit: str) -> str:
    """The sentence about a commit that is no longer the newest one."""
    return f"{commit[:12]} is not the newest commit of `{mainline.default}`; {mainline.tip[:12]} is, and is to be released"
