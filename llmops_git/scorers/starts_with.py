"""starts_with: the output begins with a text, given by the config or by the case."""

from __future__ import annotations

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.affix import Affix, build_affix


def build(settings: ScorerSettings) -> Affix:
    return build_affix(settings, at_end=False)
