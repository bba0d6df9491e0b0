"""What differs between two loaded configs."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_project import FILES, edited

from llmops_git.configs.closure import closure_of
from llmops_git.configs.diff import MAX_DOCUMENT_SHOWN, compare_configs
from llmops_git.configs.inline import MAX_DEPTH, inline
from llmops_git.configs.load import load_config
from llmops_git.configs.policy import Policy
from llmops_git.configs.tree import DictTree
from llmops_git.configs.values import Change, Config
from llmops_git.errors import InvalidInput

POLICY = Policy()


def _load(files: dict[str, str], name: str) -> Config:
    return load_config(DictTree(files), f"prompts/{name}.yaml", POLICY, check=False)


def _change(name: str, *edits: dict[str, str]) -> Change:
    after = dict(FILES)
    for edit in edits:
        after |= edit
    return compare_configs(_load(FILES, name), _load(after, name))


def _fields(change: Change) -> list[tuple[str, object, object]]:
    return [(field.path, field.before, field.after) for field in change.fields]


def test_equal_configs_differ_in_nothing() -> None:
    change = _change("router")
    assert ((), (), "none") == (change.aspects, change.fields, change.bump)


def test_fields_are_as_small_as_they_can_be_named() -> None:
    change = _change("router", edited("prompts/router.yaml", "temperature: 0", "temperature: 1, max_tokens: 9, stop: [a, b]"))
    assert [
        ("model.parameters.max_tokens", None, 9),
        ("model.parameters.stop", None, ["a", "b"]),
        ("model.parameters.temperature", 0, 1),
    ] == _fields(change)


def test_messages_are_compared_with_their_includes_in_place() -> None:
    change = _change("help", edited("prompts/shared/words.j2", "few", "no"))
    ((path, before, after),) = _fields(change)
    assert "messages[0].template" == path
    assert str(before).startswith("Be kind. Use few words.")
    assert str(after).startswith("Be kind. Use no words.")


def test_an_include_written_out_is_a_change_that_still_shows() -> None:
    whole = "Route it.\nBe kind. Use few words.\n\n\n"
    change = _change("router", {"prompts/router/system.j2": whole})
    assert ("prompt",) == change.aspects
    assert change.fields


def test_imported_templates_are_numbered_and_compared_apart() -> None:
    first = {
        "prompts/plain.yaml": FILES["prompts/plain.yaml"].replace(
            "Say hello.", "\"{% import 'shared/m.j2' as m %}{{ m.a() }}\""
        )
    }
    macro = "{% macro a() %}one{% endmacro %}"
    before = FILES | first | {"prompts/shared/m.j2": macro}
    after = before | {"prompts/shared/m.j2": macro.replace("one", "two")}
    change = compare_configs(_load(before, "plain"), _load(after, "plain"))
    assert [("includes[1]", macro.replace("{% macro a() %}", "{% macro a() %}"), macro.replace("one", "two"))] == _fields(
        change
    )


def test_documents_are_shown_by_file_and_long_ones_by_their_digest() -> None:
    change = _change("help", edited("corpora/one.md", "nine", "ten"), {"corpora/three.md": "x" * (MAX_DOCUMENT_SHOWN + 1)})
    fields = {path: after for path, _, after in _fields(change)}
    assert "Opening hours: ten to five.\n" == fields["retrieval.corpus[corpora/one.md]"]
    assert str(fields["retrieval.corpus[corpora/three.md]"]).startswith("(20,001 characters, sha256:")


def test_a_document_under_another_name_is_no_change() -> None:
    after = {path: text for path, text in FILES.items() if path != "corpora/one.md"} | {
        "corpora/first.md": FILES["corpora/one.md"]
    }
    assert () == compare_configs(_load(FILES, "help"), _load(after, "help")).aspects


def test_tools_are_compared_by_name() -> None:
    tools = [{"name": "a", "parameters": {"type": "object", "properties": {"x": {"type": "string"}}}}, {"name": "b"}]
    before = {"prompts/plain.yaml": FILES["prompts/plain.yaml"] + f"tools: {json.dumps(tools)}\n"}
    after = {"prompts/plain.yaml": FILES["prompts/plain.yaml"] + f"tools: {json.dumps([{'name': 'b'}])}\nmax_steps: 9\n"}
    change = compare_configs(_load(FILES | before, "plain"), _load(FILES | after, "plain"))
    assert (("tools",), ["tools.a", "max_steps"]) == (change.aspects, [path for path, _, _ in _fields(change)])


def test_cases_are_compared_by_id() -> None:
    rows = '{"id": "a", "inputs": {}, "expected": "hi"}\n{"id": "b.c", "inputs": {}, "expected": "x"}\n'
    change = _change("plain", {"evals/plain.jsonl": rows})
    assert [
        ("evaluation.cases.a.expected", "hello", "hi"),
        ("evaluation.cases[b.c]", None, {"expected": "x", "id": "b.c", "inputs": {}}),
    ] == _fields(change)


def test_a_critical_config_is_gated_in_another_way() -> None:
    change = _change("plain", {"prompts/plain.yaml": FILES["prompts/plain.yaml"] + "critical: true\n"})
    assert (("evaluation",), [("critical", False, True)]) == (change.aspects, _fields(change))


def test_true_is_not_one() -> None:
    before = {
        "prompts/plain.yaml": FILES["prompts/plain.yaml"].replace("2025-04-14}", "2025-04-14, parameters: {extra: {x: 1}}}")
    }
    after = {"prompts/plain.yaml": before["prompts/plain.yaml"].replace("x: 1", "x: true")}
    change = compare_configs(_load(FILES | before, "plain"), _load(FILES | after, "plain"))
    assert [("model.parameters.x", 1, True)] == _fields(change)


def test_what_is_not_there_on_one_side_is_added_or_removed_with_its_aspects() -> None:
    config = _load(FILES, "help")
    added, removed = compare_configs(None, config), compare_configs(config, None)
    assert ("added", "none", None, config.digest) == (added.status, added.bump, added.base_digest, added.head_digest)
    assert ("removed", "major", config.digest, None) == (removed.status, removed.bump, removed.base_digest, removed.head_digest)
    assert ("prompt", "model", "retrieval", "guardrails", "inputs", "evaluation") == added.aspects == removed.aspects
    with pytest.raises(ValueError, match="nothing to compare"):
        compare_configs(None, None)


def test_includes_of_includes_stop_somewhere() -> None:
    name = "{:016x}".format
    chain = {name(number): f'{{% include "{name(number + 1)}" %}}' for number in range(MAX_DEPTH * 2)}
    cut = inline([{"template": chain[name(0)]}], chain)
    assert ('{% include "include 1" %}', {"1", "2"}) == (cut.value[0]["template"], set(cut.others))
    doubling = {name(number): f'{{% include "{name(number + 1)}" %}}' * 10 for number in range(30)} | {name(30): "x" * 100}
    assert len(inline([{"template": doubling[name(0)]}], doubling).value[0]["template"]) < 20_000_000


# closure and digests


class _Recording(DictTree):
    """A tree that remembers what was read of it."""

    def __init__(self, files: dict[str, str]) -> None:
        super().__init__(files)
        self.seen: set[str] = set()

    def read(self, paths):  # type: ignore[no-untyped-def]
        wanted = list(paths)
        self.seen |= set(wanted)
        return super().read(wanted)


@pytest.mark.parametrize("name", ["router", "help", "plain"])
@pytest.mark.parametrize("check", [True, False])
def test_loading_reads_exactly_the_closure(name: str, check: bool) -> None:
    tree = _Recording(FILES)
    config = load_config(tree, f"prompts/{name}.yaml", _policy(), check=check)
    closure = closure_of(DictTree(FILES), f"prompts/{name}.yaml")
    assert {item.path for item in closure.dependencies} == tree.seen
    assert closure.dependencies == config.closure


def _policy() -> Policy:
    from llmops_git.configs.policy_file import load_policy

    return load_policy(DictTree(FILES), "")


@given(path=st.sampled_from(sorted(FILES)), name=st.sampled_from(["router", "help", "plain"]), text=st.text(max_size=30))
def test_no_byte_outside_the_closure_moves_a_digest(path: str, name: str, text: str) -> None:
    before = _load(FILES, name)
    if path in [item.path for item in before.closure]:
        return
    after = _load(FILES | {path: text}, name)
    assert before == after


@given(
    path=st.sampled_from([path for path in FILES if path.endswith(".yaml")]),
    cut=st.integers(0, 400),
    text=st.text("ab:[]{}\"'-*&\n ", max_size=4),
)
def test_a_damaged_config_compares_or_says_why_not(path: str, cut: int, text: str) -> None:
    damaged = FILES | {path: FILES[path][:cut] + text + FILES[path][cut + 1 :]}
    for name in ("router", "help", "plain"):
        with suppress(InvalidInput):
            assert compare_configs(_load(FILES, name), _load(damaged, name)).bump in ("none", "patch", "minor", "major")
