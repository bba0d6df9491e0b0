"""The releases that git knows, as far as live traffic needs them. Pure: a command reads them from the registry."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """By config, its releases in ascending order of number: tag name -> config digest."""

    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, config: str) -> Sequence[str]:
        """The tags of a config, in ascending order of number."""
        return tuple(self.tags.get(config, ()))

    def has(self, config: str, release: str) -> bool:
        """Whether git has this release of the config."""
        return release in self.tags.get(config, {})

    def knows(self, release: str, digest: str) -> bool:
        """Whether git has a release of this name with exactly this content."""
        return any(tags.get(release) == digest for tags in self.tags.values()) if release and digest else False


def before_in(order: Sequence[str], release: str, served: Collection[str]) -> str:
    """The release before `release` in the order of numbers, among those that served traffic; "" where there is none."""
    place = list(order).index(release)
    return next((name for name in reversed(order[:place]) if name in served), "")
