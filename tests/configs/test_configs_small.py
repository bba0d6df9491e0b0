"""Canonical JSON, digests, strict JSON files, pins, names and paths."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.canonical import canonical_json
from llmops_git.configs.digest import bytes_digest, closure_digest, digest_of, partial_name
from llmops_git.configs.json_file import loads, parse_json
from llmops_git.configs.paths import config_files, config_name, is_name, join, named_files, suggestion
from llmops_git.configs.pins import floating_reason, pin_hint
from llmops_git.configs.pointers import pointer_text
from llmops_git.configs.policy import Policy
from llmops_git.configs.values import Dependency
from llmops_git.errors import InvalidInput

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2.0**53) + 1, 2.0**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def shuffled(value: object) -> object:
    """The same JSON value with the keys of every object in another order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(JSON)
def test_a_digest_does_not_depend_on_the_order_of_keys(value: object) -> None:
    assert digest_of(value) == digest_of(shuffled(value)) == digest_of(json.loads(canonical_json(value)))


@given(JSON, JSON)
def test_different_values_have_different_digests(one: object, other: object) -> None:
    assert (canonical_json(one) == canonical_json(other)) == (digest_of(one) == digest_of(other))


def test_known_digests() -> None:
    expected = hashlib.sha256('{"a":1,"b":[true,null,"é"]}'.encode()).hexdigest()
    assert digest_of({"b": [True, None, "é"], "a": 1.0}) == f"sha256:{expected}"
    assert bytes_digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert partial_name("") == "e3b0c44298fc1c14"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 1, "\ud800", {1: 2}])
def test_what_json_cannot_carry_has_no_digest(value: object) -> None:
    with pytest.raises(ValueError, match="not exact in JSON"):
        digest_of(value)


def test_a_closure_digest_is_over_paths_modes_and_blobs_whatever_the_order_and_role() -> None:
    one = Dependency("a", "100644", "1" * 40, "config", "")
    two = Dependency("b", "100644", "2" * 40, "include", "a")
    again = Dependency("b", "100644", "2" * 40, "message", "a")
    assert closure_digest([one, two]) == closure_digest([two, one, again])
    assert closure_digest([one, two]) != closure_digest([one])
    assert closure_digest([one]) != closure_digest([Dependency("a", "100755", "1" * 40, "config", "")])


@given(JSON)
def test_strict_json_reads_json(value: object) -> None:
    assert loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{"a": 1,\n "a": 2}', 1, "`a` is there twice"),
        ("[NaN]", 1, "NaN"),
        ("[1e999]", 1, "not exact"),
        ("[9007199254740993]", 1, "not exact"),
        ("[" + "9" * 5000 + "]", 1, "not exact"),
        ('["\\ud800"]', 1, "surrogate"),
        ("[" * 100 + "]" * 100, 1, "levels deep"),
        ("[" * 100_000, 1, "levels deep"),
        ('{\n"a": }', 2, "Expecting value"),
        ("", 1, "Expecting value"),
        ("[1] 2", 1, "Extra data"),
    ],
)
def test_strict_json_refuses_what_is_not_exact(text: str, line: int, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_json(text.encode(), "a.json")
    [problem] = caught.value.problems
    assert (problem.path, problem.line) == ("a.json", line)
    assert words in problem.message


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o"), ("openai", "gpt-4.1-mini"), ("openai", "gpt-5"), ("openai", "gpt-5.4-mini"), ("openai", "chatgpt-4o-latest"),
        ("openai", "o3"), ("openai", "gpt-4-turbo-preview"), ("openrouter", "openai/gpt-4o"), ("anthropic", "claude-3-5-sonnet-latest"),
        ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-4"), ("openrouter", "anthropic/claude-3.5-sonnet"),
        ("gemini", "gemini-flash-latest"), ("gemini", "gemini-pro"), ("mistral", "mistral-large-latest"), ("mistral", "mistral-small"),
        ("xai", "grok-4"), ("deepseek", "deepseek-chat"), ("groq", "some-model:latest"), ("ollama", "llama3"), ("ollama", "llama3:latest"),
    ],
)  # fmt: skip
def test_an_id_that_its_maker_can_move_is_floating(provider: str, model: str) -> None:
    reason = floating_reason(provider, "openai", model)
    assert f"`{model}`" in reason
    assert "snapshot" in pin_hint(model)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-2024-08-06"), ("openai", "gpt-4.1-mini-2025-04-14"), ("openai", "gpt-4-0613"), ("openai", "o3-2025-04-16"),
        ("openai", "ft:gpt-4o-2024-08-06:org::id"), ("groq", "openai/gpt-oss-20b"), ("anthropic", "claude-sonnet-4-5-20250929"),
        ("anthropic", "claude-opus-4-6"), ("anthropic", "claude-sonnet-5"), ("openrouter", "anthropic.claude-3-opus-20240229-v1:0"),
        ("gemini", "gemini-2.0-flash-001"), ("gemini", "gemini-2.5-flash-preview-09-2025"), ("gemini", "gemini-2.5-pro"),
        ("mistral", "mistral-large-2411"), ("together", "mistralai/Mistral-7B-Instruct-v0.3"), ("xai", "grok-4-0709"),
        ("groq", "llama-3.1-8b-instant"), ("ollama", "llama3.2:3b"), ("vllm", "my-own-model"),
    ],
)  # fmt: skip
def test_a_snapshot_is_pinned(provider: str, model: str) -> None:
    assert floating_reason(provider, "openai", model) == ""


def test_models_that_run_here_float_only_by_saying_so() -> None:
    assert floating_reason("local", "embedded", "gpt-4o") == ""
    assert floating_reason("replay", "replay", "gpt-4o") == ""
    assert floating_reason("local", "embedded", "model-latest")


@pytest.mark.parametrize(
    ("via", "reference", "expected"),
    [
        ("prompts/a.yaml", "a/b.j2", "prompts/a/b.j2"), ("prompts/a.yaml", "../evals/a.jsonl", "evals/a.jsonl"),
        ("prompts/a.yaml", "./x//y", "prompts/x/y"), ("a.yaml", "b", "b"), ("a/b/c.yaml", "../../d", "d"),
    ],
)  # fmt: skip
def test_a_reference_is_relative_to_the_file_that_names_it(via: str, reference: str, expected: str) -> None:
    assert join(via, reference) == expected


@pytest.mark.parametrize("reference", ["", "/etc/passwd", "../../x", "..\\x", "a\0b", "x/../../../y"])
def test_a_reference_stays_in_the_repository(reference: str) -> None:
    with pytest.raises(ValueError, match=r"relative path|leaves the repository"):
        join("prompts/a.yaml", reference)


@given(st.text(st.sampled_from("./ab"), max_size=12))
def test_a_joined_path_never_has_dots(reference: str) -> None:
    try:
        joined = join("x/y.yaml", reference)
    except ValueError:
        return
    assert not {"..", "."} & set(joined.split("/"))


def test_configs_are_found_by_the_patterns_of_the_policy_from_its_root() -> None:
    paths = ["prompts/a.yaml", "prompts/deep/b.yml", "prompts/a/x.j2", "team/prompts/c.yaml", "other/d.yaml"]
    patterns = ("prompts/**/*.yaml", "prompts/**/*.yml")
    assert config_files(paths, Policy(configs=patterns)) == ["prompts/a.yaml", "prompts/deep/b.yml"]
    assert config_files(paths, Policy(root="team")) == ["team/prompts/c.yaml"]


def test_names_come_from_stems_and_are_unique() -> None:
    assert config_name("a/b/support-router.yaml") == "support-router"
    named, problems = named_files(["p/a.yaml", "p/q/a.yml", "p/Big_Name.yaml"])
    assert named == {"a": "p/a.yaml"}
    assert [(problem.path, problem.message.split(":")[0]) for problem in problems] == [
        ("p/q/a.yml", "two configs are called `a`"),
        ("p/Big_Name.yaml", "`Big_Name` cannot name a config"),
    ]
    assert problems[1].hint == "git mv p/Big_Name.yaml p/big-name.yaml"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a", True), ("a-1", True), ("1a", True), ("-a", False), ("A", False), ("a_b", False), ("a\n", False), ("", False)],
)
def test_the_grammar_of_names(name: str, expected: bool) -> None:
    assert is_name(name) is expected


def test_suggestions_are_near_or_absent() -> None:
    assert suggestion("temprature", ["temperature", "top_p"]) == "did you mean `temperature`?"
    assert suggestion("xyz", ["temperature"]) == ""
    assert suggestion("OPENAI", ["openai"]) == "did you mean `openai`?"


def test_pointers_read_as_people_write_them() -> None:
    assert pointer_text(("a", 0, "b-c", "d e", "x.y")) == '$.a[0].b-c["d e"]["x.y"]'
