"""The policy: every key has a default, and every mistake a place."""

from __future__ import annotations

import pytest

from llmops_git.configs.policy import Budget, Environment, GateSettings, Price
from llmops_git.configs.policy_file import BUILT_IN, load_policy
from llmops_git.configs.tree import SYMLINK_MODE, DictTree
from llmops_git.errors import InvalidInput, Problem


def problems(text: str) -> list[Problem]:
    with pytest.raises(InvalidInput) as caught:
        load_policy(DictTree({"llmops.yaml": text}), "")
    return list(caught.value.problems)


@pytest.mark.parametrize("files", [{}, {"llmops.yaml": ""}, {"llmops.yaml": "version: 1\n"}])
def test_without_a_file_or_in_an_empty_one_everything_has_its_default(files: dict[str, str]) -> None:
    policy = load_policy(DictTree(files), "")
    assert policy.configs == ("prompts/**/*.yaml",)
    assert policy.providers == BUILT_IN
    assert (policy.gate, policy.budget, policy.environments, policy.prices) == (GateSettings(), Budget(), {}, {})
    assert (policy.root, policy.remote, policy.default_branch) == ("", "origin", "")


def test_the_well_known_providers_need_no_declaration() -> None:
    policy = load_policy(DictTree({}), "")
    assert (policy.providers["openai"].base_url, policy.providers["openai"].key_env) == (
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
    )
    assert policy.providers["local"].api == "embedded"
    assert "replay" not in {settings.api for settings in policy.providers.values()}
    assert {"groq", "mistral", "openrouter", "together", "deepseek", "ollama", "vllm", "llamacpp"} <= set(policy.providers)


def test_a_whole_policy() -> None:
    text = """\
version: 1
configs: ["p/*.yaml"]
providers:
  openai: {concurrency: 4}
  azure: {api: openai, base_url: "https://mine.openai.azure.com/openai/v1", key_env: AZURE_KEY, timeout: 30}
  here: {api: openai, base_url: "http://127.0.0.1:9000/v1"}
  big: {api: embedded, model_path: models/big.gguf}
environments:
  staging: {promote: automatic}
  production: {after: staging}
gate: {alpha: 0.01, margin: 0.02, on_inconclusive: block}
budget: {max_usd: null, max_requests: 10}
default_branch: trunk
remote: upstream
"""
    tree = DictTree({"team/llmops.yaml": text, "team/prices.yaml": "big: {input: 1, output: 2.5}\n"})
    policy = load_policy(tree, "team")
    assert (policy.root, policy.configs) == ("team", ("p/*.yaml",))
    assert (policy.providers["openai"].concurrency, policy.providers["openai"].key_env) == (4, "OPENAI_API_KEY")
    assert (policy.providers["azure"].timeout, policy.providers["azure"].key_env) == (30, "AZURE_KEY")
    assert policy.providers["here"].key_env == ""
    assert (policy.providers["big"].api, policy.providers["big"].model_path) == ("embedded", "models/big.gguf")
    assert list(policy.environments.values()) == [
        Environment(name="staging", promote="automatic"),
        Environment(name="production", after="staging"),
    ]
    assert policy.gate == GateSettings(alpha=0.01, margin=0.02, on_inconclusive="block")
    assert policy.budget == Budget(max_usd=None, max_requests=10)
    assert policy.prices == {"big": Price(input=1, output=2.5)}
    assert (policy.default_branch, policy.remote) == ("trunk", "upstream")


def test_a_built_in_name_with_another_api_starts_afresh() -> None:
    policy = load_policy(DictTree({"llmops.yaml": "providers: {openai: {api: replay, path: r}}"}), "")
    assert (policy.providers["openai"].api, policy.providers["openai"].base_url) == ("replay", "")


@pytest.mark.parametrize(
    ("text", "line", "pointer", "message", "hint"),
    [
        ("version: 2", 1, "$.version", "must be `1`", ""),
        ("gates: {}", 1, "$.gates", "unknown key", "did you mean `gate`?"),
        ("gate:\n  margn: 1", 2, "$.gate.margn", "unknown key", "did you mean `margin`?"),
        ("gate: {alpha: 0}", 1, "$.gate.alpha", "must be more than 0", ""),
        ("gate: {on_inconclusive: maybe}", 1, "$.gate.on_inconclusive", "must be one of warn, block, pass", ""),
        ("budget: {max_usd: -1}", 1, "$.budget.max_usd", "at least 0", ""),
        ("providers:\n  mine: {base_url: 'https://x.example/v1'}", 2, "$.providers.mine", "`api` is missing", "api: openai"),
        ("providers:\n  opnai: {concurrency: 1}", 2, "$.providers.opnai", "`api` is missing", "did you mean `openai`?"),
        ("providers:\n  mine: {api: openai}", 2, "$.providers.mine", "`base_url` is missing", "base_url"),
        ("providers: {openai: {key_env: sk-123-abc}}", 1, "$.providers.openai.key_env", "not the key", ""),
        ("environments: {a: {after: b}}", 1, "$.environments.a.after", "no environment `b`", ""),
        (
            "environments: {prod: {after: stagin}, staging: {}}",
            1,
            "$.environments.prod.after",
            "no environment",
            "did you mean `staging`?",
        ),
        ("environments: {a: {after: b}, b: {after: a}}", 1, "$.environments.a.after", "a -> b -> a", ""),
        ("environments: {a: {after: a}}", 1, "$.environments.a.after", "a -> a", ""),
        ("environments: {Big: {}}", 1, "$.environments.Big", "lower-case", ""),
        ("- a", 1, "$", "must be a mapping", ""),
        ("a: 1\na: 2", 2, "", "there twice", ""),
    ],
)
def test_each_mistake_has_its_place(text: str, line: int, pointer: str, message: str, hint: str) -> None:
    found = [problem for problem in problems(text) if problem.pointer == pointer and message in problem.message]
    assert [problem.line for problem in found][:1] == [line]
    assert hint in found[0].hint


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com/v1", "http://127.0.0.1.example.com", "http://localhost.example.com/v1", "http://localhost@example.com/",
     "ftp://x", "file:///etc/passwd", "https://", "https://user:pass@example.com/v1", "https://example.com/v1?key=1", "https://ex ample",
     "http://10.0.0.1/v1", "https://example.com\n.evil"],
)  # fmt: skip
def test_keys_only_go_to_https_or_to_this_machine(url: str) -> None:
    import json

    assert "must be an https address" in problems(f"providers: {{openai: {{base_url: {json.dumps(url)}}}}}")[0].message


@pytest.mark.parametrize(
    "url",
    ["https://x.example/v1", "https://x.example:8443", "http://localhost:11434/v1", "http://[::1]:1/v1", "http://127.0.0.9"],
)
def test_other_addresses_are_accepted(url: str) -> None:
    policy = load_policy(DictTree({"llmops.yaml": f"providers: {{openai: {{base_url: '{url}'}}}}"}), "")
    assert policy.providers["openai"].base_url == url


def test_prices_are_checked_and_both_files_are_reported() -> None:
    tree = DictTree({"llmops.yaml": "x: 1", "prices.yaml": "m: {input: 1}"})
    with pytest.raises(InvalidInput) as caught:
        load_policy(tree, "")
    assert [(problem.path, problem.line) for problem in caught.value.problems] == [("llmops.yaml", 1), ("prices.yaml", 1)]


@pytest.mark.parametrize("path", ["llmops.yaml", "prices.yaml"])
def test_a_policy_that_is_a_link_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="symbolic link"):
        load_policy(DictTree({path: "elsewhere"}, modes={path: SYMLINK_MODE}), "")
