"""The examples of the page on providers are policies and prices that load, and its section of each wire says what holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmops_git.configs.policy import HOSTED, Policy
from llmops_git.configs.policy_file import BUILT_IN, load_policy
from llmops_git.configs.tree import DictTree
from llmops_git.providers.table import open_provider

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
POLICIES = [block for block in BLOCKS if "providers:" in block]
PRICES = [block for block in BLOCKS if "prices.yaml" in block]


def _policy(**files: str) -> Policy:
    return load_policy(DictTree({name: text.encode() for name, text in files.items()}), "")


@pytest.mark.parametrize("text", POLICIES, ids=lambda text: text.split("\n")[2].strip()[:12])
def test_an_example_is_a_policy_whose_providers_open(text: str) -> None:
    policy = _policy(**{"llmops.yaml": text})
    named = re.findall(r"^  (\w+): ", text, re.MULTILINE)
    assert named
    for name in named:
        settings = policy.providers[name]
        if settings.api in HOSTED:
            open_provider(settings, environ={settings.key_env: "sk-1"}).close()


@pytest.mark.parametrize("text", PRICES)
def test_an_example_of_prices_loads(text: str) -> None:
    assert _policy(**{"prices.yaml": text}).prices


@pytest.mark.parametrize("api", ["openai", "anthropic", "google", "embedded", "replay", "plugin"])
def test_each_wire_has_a_section(api: str) -> None:
    assert f"\n## {api}\n" in PAGE


def test_every_built_in_provider_is_named_and_speaks_its_own_wire() -> None:
    assert [name for name in BUILT_IN if f"`{name}`" not in PAGE] == []
    assert ("anthropic", "google", "openai") == tuple(BUILT_IN[name].api for name in ("anthropic", "gemini", "groq"))
