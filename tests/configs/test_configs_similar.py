"""Renamed and edited at once: the same config by its content."""

from __future__ import annotations

from llmops_git.configs.load import load_config
from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.similar import MOST_PAIRS, Renamed, find_renamed
from llmops_git.configs.tree import DictTree
from llmops_git.configs.values import Config

PROMPT = "You route messages of customers.\nAnswer with one word.\nBe kind to everybody who asks.\n"
OTHER = "Write a poem about the sea,\nin four lines that rhyme.\nName no ship, and no port of call.\n"


def config(path: str = "prompts/a.yaml", prompt: str = PROMPT, cases: int = 4, model: str = "m-1", first: int = 0) -> Config:
    lines = "".join(f"      {line}" for line in prompt.splitlines(keepends=True))
    text = (
        f"model: {{provider: ollama, id: '{model}:1'}}\n"
        "inputs: {properties: {message: {type: string}}}\n"
        f"messages:\n  - role: system\n    content: |\n{lines}"
        "  - {role: user, content: '{{ message }}'}\n"
    )
    if cases > 0:
        text += "evaluation: {dataset: cases.jsonl, scorers: {same: {use: exact}}}\n"
    rows = "".join(f'{{"id": "x{n}", "inputs": {{"message": "m{n + first}"}}, "expected": "e"}}\n' for n in range(cases))
    folder = path.rpartition("/")[0]
    tree = DictTree({path: text, f"{folder}/cases.jsonl": rows})
    return load_config(tree, path, load_policy(tree, ""))


def found(before: Config, after: Config) -> bool:
    return [Renamed(0, 0)] == find_renamed([before], [after])


def test_a_config_with_a_line_changed_is_the_same_one() -> None:
    assert found(config(), config("prompts/b.yaml", PROMPT.replace("one word", "two words")))


def test_another_model_or_other_ids_of_cases_do_not_make_it_another_one() -> None:
    assert found(config(), config("prompts/b.yaml", model="m-2"))
    assert found(config(cases=0), config("prompts/b.yaml", cases=0, model="m-2"))


def test_another_prompt_makes_it_another_one() -> None:
    assert not found(config(), config("prompts/b.yaml", OTHER))


def test_other_cases_make_it_another_one() -> None:
    assert not found(config(), config("prompts/b.yaml", first=100))
    assert not found(config(), config("prompts/b.yaml", cases=0))


def test_half_of_the_cases_are_enough() -> None:
    assert found(config(cases=4), config("prompts/b.yaml", cases=8))
    assert not found(config(cases=2), config("prompts/b.yaml", cases=8))


def test_another_folder_makes_it_another_one() -> None:
    assert not found(config(), config("prompts/deep/b.yaml"))


def test_the_most_similar_pair_is_found_first_and_each_config_once() -> None:
    edited = PROMPT.replace("one word", "two words")
    gone = [config("prompts/far.yaml", edited), config("prompts/near.yaml")]
    came = [config("prompts/new.yaml"), config("prompts/other.yaml", edited)]
    assert [Renamed(0, 1), Renamed(1, 0)] == find_renamed(gone, came)
    assert [Renamed(1, 0)] == find_renamed(gone, came[:1])


def test_too_many_pairs_are_not_looked_at() -> None:
    assert [] == find_renamed([config()] * MOST_PAIRS, [config("prompts/b.yaml")] * 2)
