"""The stubs of tools that the policy allows, for the time of an evaluation."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from llmops_git.commands.trial import Settings
from llmops_git.configs.policy import Policy
from llmops_git.providers.stubs import ToolStubs


def stubbed(policy: Policy, settings: Settings) -> Collection[str]:
    """The tools whose calls may go to a stub. Where replies are recorded ones, nothing goes over the wire."""
    return policy.tools.keys() if settings.replay is None else ()


@contextmanager
def opened_stubs(policy: Policy, settings: Settings) -> Iterator[ToolStubs | None]:
    """The stubs; None where there are none to ask."""
    if not stubbed(policy, settings):
        yield None
        return
    stubs = ToolStubs(policy.tools, environ=os.environ)
    try:
        yield stubs
    finally:
        stubs.close()
