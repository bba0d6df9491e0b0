"""Decides which configs need a release, under which number, and whether their evidence allows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from llmops_git.configs.semver import bump_of
from llmops_git.configs.values import Bump, Config
from llmops_git.releases.evidence import Evidence
from llmops_git.releases.tags import TagName
from llmops_git.releases.values import Registry, Release
from llmops_git.releases.versions import next_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A config whose content is not that of its newest release.

    `previous_config` is that release loaded again; None when there is none, or when it cannot be loaded any more.
    """

    config: Config
    previous: Release | None
    previous_config: Config | None
    bump: Bump
    tag: TagName
    note: str = ""

    @property
    def bump_name(self) -> str:
        """The bump as the tag states it; the first release has nothing to be compared with."""
        return self.bump if self.previous else "first"


def needs_release(registry: Registry, configs: Mapping[str, Config]) -> list[str]:
    """The names of the configs whose digest is not that of their newest release, sorted. Judges are pinned by the
    configs that use them and are released only where the policy lists them among its configs."""
    return [
        name for name in sorted(configs) if (newest := registry.newest(name)) is None or newest.digest != configs[name].digest
    ]


def plan_release(config: Config, previous: Release | None, previous_config: Config | None) -> Candidate:
    """The next release of a config. A previous release that cannot be loaded counts as a broken contract: major."""
    bump: Bump = "none"
    note = ""
    if previous is not None and previous_config is None:
        bump, note = "major", f"{previous.name} cannot be loaded any more, so this counts as a broken contract"
    elif previous_config is not None:
        bump = bump_of(previous_config.resolved, config.resolved)
    version = next_version(previous.tag.version if previous else None, bump)
    return Candidate(
        config=config,
        previous=previous,
        previous_config=previous_config,
        bump="patch" if previous and bump == "none" else bump,
        tag=TagName(config.name, version),
        note=note,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a config may be released. `evidence` is what decided; `missing` means that nothing was measured yet."""

    state: Literal["passes", "refused", "missing"]
    evidence: Evidence | None = None
    reason: str = ""


def decide(config: Config, records: Sequence[Evidence]) -> Decision:
    """Whether the records allow a release of exactly this config under exactly this evaluation.

    A record that failed is final for its pair of digests: measuring again until it passes would be picking. The way out
    is a change of the config, of its eval set or of its gate, and each of these is a new pair.
    """
    if config.evaluation is None:
        return Decision(state="refused", reason="it has no `evaluation:` section: nothing shows that this change is safe")
    own = [record for record in records if (record.config_digest, record.eval_digest) == (config.digest, config.eval_digest)]
    failed = next((record for record in own if not record.gate_passes), None)
    if failed is not None:
        return Decision(state="refused", evidence=failed, reason=failed.why)
    passed = next((record for record in own if record.gate_passes), None)
    return Decision(state="passes", evidence=passed) if passed else Decision(state="missing", reason="it was not evaluated")
