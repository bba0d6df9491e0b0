"""What an evaluation opens for its time: the reply cache and the providers that the policy allows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from llmops_git.commands.trial import Settings
from llmops_git.configs.embedders import LANE
from llmops_git.configs.policy import Policy, ProviderSettings
from llmops_git.configs.values import TARGET
from llmops_git.errors import LlmopsError
from llmops_git.evals.cache import Cache
from llmops_git.evals.lanes import lanes_of, scoring_lanes_of
from llmops_git.evals.run import Job
from llmops_git.providers.base import Provider
from llmops_git.providers.embeddings import open_embedder
from llmops_git.providers.table import open_provider


@contextmanager
def replies_cache(settings: Settings) -> Iterator[Cache]:
    """The cache of replies; for a fresh run an empty one that ends with it, so that repeats are still bought once."""
    if settings.replies is not None:
        yield Cache(settings.replies)
        return
    with tempfile.TemporaryDirectory(prefix="llmops-git-") as folder:
        yield Cache(Path(folder))


@contextmanager
def opened_providers(jobs: Iterable[Job], policy: Policy, settings: Settings) -> Iterator[dict[str, Provider]]:
    """The providers that the jobs and their judges use, opened by the policy that holds, closed at the end."""
    jobs = list(jobs)
    names = sorted({name for job in jobs for name in _provider_names(job)})
    with ExitStack() as stack:
        providers: dict[str, Provider] = {}
        for name in names:
            if name.startswith(TARGET) and settings.replay is None:
                providers[name] = _application(name.removeprefix(TARGET), jobs, policy, settings)
                stack.callback(providers[name].close)
                continue
            providers[name] = stack.enter_context(open_named(name, policy, settings))
        yield providers


@contextmanager
def open_named(name: str, policy: Policy, settings: Settings) -> Iterator[Provider]:
    """One provider of the policy, or the lane of its vectors; closed at the end. Raises LlmopsError."""
    opened = open_embedder if name.startswith(LANE) else open_provider
    found = _provider_settings(name.removeprefix(LANE), policy, settings)
    provider = opened(found, environ=os.environ, record=settings.record)
    try:
        yield provider
    finally:
        provider.close()


def _application(name: str, jobs: Iterable[Job], policy: Policy, settings: Settings) -> Provider:
    """The application `name`, with the configs that it is asked with."""
    from llmops_git.providers.replay import RecordingProvider
    from llmops_git.providers.target import TargetProvider, bundle_of

    if name not in policy.targets:
        raise LlmopsError(
            f"target `{name}` is not in the llmops.yaml that holds here (the base's)",
            hint="merge the target first, or run with --policy head where you trust the change",
        )
    configs = {job.config.digest: job.config for job in jobs}
    bundles = {digest: bundle_of(config.name, digest, config.resolved) for digest, config in configs.items()}
    target = TargetProvider(policy.targets[name], bundles, environ=os.environ)
    return target if settings.record is None else RecordingProvider(target, settings.record)


def fingerprints(providers: Mapping[str, Provider]) -> dict[str, str]:
    return {name: provider.fingerprint() for name, provider in providers.items()}


def _provider_names(job: Job) -> Iterator[str]:
    yield from lanes_of(job.config)
    yield from scoring_lanes_of(job.evaluation)


def _provider_settings(name: str, policy: Policy, settings: Settings) -> ProviderSettings:
    if settings.replay is not None:
        return ProviderSettings(name=name, api="replay", path=str(settings.replay))
    if name not in policy.providers:
        raise LlmopsError(
            f"provider `{name}` is not in the llmops.yaml that holds here (the base's)",
            hint="merge the provider first, or run with --policy head where you trust the change",
        )
    return policy.providers[name]
