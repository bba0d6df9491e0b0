"""Which keys an evaluation needs, and which of them this job does not have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from llmops_git.commands.pairings import pairings_of
from llmops_git.commands.trial import Candidate
from llmops_git.configs.embedders import LANE
from llmops_git.configs.policy import Endpoint, Policy, ProviderSettings
from llmops_git.configs.values import TARGET
from llmops_git.evals.lanes import lanes_of, scoring_lanes_of


def providers_of(candidates: Sequence[Candidate]) -> frozenset[str]:
    """The names of all providers that would be asked: of heads, bases and judges."""
    return frozenset(name for candidate in candidates for name in _of_candidate(candidate))


def _of_candidate(candidate: Candidate) -> Iterable[str]:
    for pairing in pairings_of(candidate):
        for config in (pairing.base.config, pairing.candidate.head):
            if config is not None:
                yield from (name.removeprefix(LANE) for name in lanes_of(config))
        yield from (name.removeprefix(LANE) for name in scoring_lanes_of(pairing.evaluation))


def missing_keys(candidates: Sequence[Candidate], policy: Policy, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The variables that hold keys of providers and applications in use and are not set, sorted."""
    names = providers_of(candidates)
    settings: list[ProviderSettings | Endpoint] = [policy.providers[name] for name in names if name in policy.providers]
    settings += [each for name, each in policy.targets.items() if f"{TARGET}{name}" in names]
    return tuple(sorted({each.key_env for each in settings if each.key_env and not environ.get(each.key_env)}))
