"""Finds documents outside of a run: what was found or embedded before is taken from the reply cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llmops_git.configs.embedders import LANE

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.values import Case, Config, JsonObject
    from llmops_git.providers.base import Provider, Request

_ASKED = frozenset({"embedding", "http"})  # the retrievers that ask somebody


def found_now(project: Project, policy: Policy, config: Config, query: str, case: Case | None) -> list[JsonObject]:
    """The documents for a query. Raises LlmopsError where the policy has no such provider, NotMeasured without an answer."""
    if config.resolved["retrieval"]["retriever"] not in _ASKED:
        from llmops_git.retrievers.table import retrieve

        return retrieve(config, query, case)
    from llmops_git.commands.evaluate import replies_folder
    from llmops_git.evals.cache import Cache
    from llmops_git.evals.finding import Finder

    cache = Cache(replies_folder(project))
    opened: dict[str, Provider] = {}

    def ask(request: Request) -> str:
        if request.provider not in opened:
            opened[request.provider] = _open(policy, request.provider)
        provider = opened[request.provider]
        key = request.key(0)
        reply = cache.get(key, provider.fingerprint())
        if reply is None:
            reply = provider.generate(request, worker=0)
            cache.put(key, reply, provider.fingerprint())
        return reply.text

    try:
        return Finder(ask).find(config, query, case)
    finally:
        for provider in opened.values():
            provider.close()


def _open(policy: Policy, lane: str) -> Provider:
    from llmops_git.errors import LlmopsError
    from llmops_git.providers.embeddings import open_embedder
    from llmops_git.providers.table import open_provider

    name = lane.removeprefix(LANE)
    if name not in policy.providers:
        raise LlmopsError(f"there is no provider `{name}` in llmops.yaml", hint=f"providers: {{{name}: {{…}}}}")
    return (open_embedder if lane != name else open_provider)(policy.providers[name], environ=os.environ)
