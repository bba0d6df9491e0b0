"""Signatures for the commands that release and deploy: the `--sign` option, who may sign, and what is signed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from llmops_git.commands.state import State
    from llmops_git.releases.trust import Trust
    from llmops_git.repo.sign import Signing


def sign_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--sign/--no-sign` (argument `sign`, None where neither is given)."""
    text = "Sign with the key that git uses (default: as git and `signing:` in llmops.yaml say)."
    return click.option("--sign/--no-sign", "sign", default=None, help=text)(command)


def trust_of(state: State, *, ask: bool = True) -> Trust:
    """Who may sign, as the default branch says; read once per project. `ask` looks at the remote's newest commit of it."""
    from llmops_git.releases.trust import read_trust

    known = state.project.trusts
    if (state.remote, ask) not in known:
        known[state.remote, ask] = read_trust(state.project.git, state.remote, ask=ask)
    return known[state.remote, ask]


def signing_of(state: State) -> Signing:
    """What to sign: what `--sign` or git's settings ask for, and everything where the default branch's policy requires it.

    Raises LlmopsError for `--no-sign` against such a policy.
    """
    from llmops_git.releases.signed import signing_for

    return signing_for(state.project.git, trust_of(state), state.sign)


def try_signing(state: State) -> None:
    """Sign something that is thrown away, before money is spent on what could then not be signed. Raises LlmopsError."""
    from llmops_git.releases.signed import check_key
    from llmops_git.repo.write import Writer

    signing = signing_of(state)
    if signing.tags or signing.commits:
        check_key(state.project.git, trust_of(state), Writer(state.project.git, signing))
