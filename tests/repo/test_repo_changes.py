"""Which configs changed, how and why: real repositories, commits and work trees."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from history import Files, History
from small_project import FILES, edited

from llmops_git.configs.values import Change
from llmops_git.errors import InvalidInput, LlmopsError
from llmops_git.repo.changes import ChangeSet, compute_changes, running_changes
from llmops_git.repo.git import open_git


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "r")
    made.commit(FILES)
    return made


def _after(history: History, files: Files) -> dict[str, Change]:
    history.commit(files)
    return _by_name(compute_changes(open_git(history.folder), "main~1", "main"))


def _by_name(changes: ChangeSet) -> dict[str, Change]:
    assert sorted(change.config for change in changes.changes) == [change.config for change in changes.changes]
    return {change.config: change for change in changes.changes}


def test_nothing_that_configs_read_is_no_change(history: History) -> None:
    history.commit({"README.md": "# Other\n", "corpora/three.txt": "not in the corpus", "prompts/unused.j2": "x"})
    changes = compute_changes(open_git(history.folder), "main~1", "main")
    assert ((), 3, history.tip("main~1"), history.tip("main")) == (
        changes.changes, changes.total_configs, changes.base_oid, changes.head_name,
    )  # fmt: skip


def test_a_changed_shared_include_changes_every_config_that_reaches_it(history: History) -> None:
    changes = _after(history, {"prompts/shared/words.j2": "Use many words.\n"})
    assert {"help", "router"} == changes.keys()
    assert (("modified", ("prompt",), "patch")) == (changes["router"].status, changes["router"].aspects, changes["router"].bump)
    chain = ("prompts/shared/words.j2", "prompts/shared/tone.j2", "prompts/router/system.j2", "prompts/router.yaml")
    assert (chain,) == changes["router"].because
    assert (("prompts/shared/words.j2", "prompts/shared/tone.j2", "prompts/help.yaml"),) == changes["help"].because
    (field,) = changes["router"].fields
    assert "messages[0].template" == field.path
    assert ("Use few words." in field.before, "Use many words." in field.after) == (True, True)
    assert changes["router"].base_digest != changes["router"].head_digest


@pytest.mark.parametrize(
    "files",
    [
        edited("prompts/plain.yaml", "messages: [{role", "# a comment\nmessages:   [ { role"),
        {"prompts/plain.yaml": FILES["prompts/plain.yaml"].replace("\n", "\r\n")},
        edited("prompts/shared/words.j2", "Use", "{# why #}Use"),
        edited("prompts/router/output.schema.json", '": {', '":     {'),
        edited("guardrails/pii.yaml", "name: pii", "name: pii\ndescription: text"),
        edited("evals/plain.jsonl", '"id": "a", "inputs": {}', '"inputs":{},   "id":"a"'),
    ],
)  # fmt: skip
def test_reformatting_and_comments_are_no_change(history: History, files: Files) -> None:
    assert {} == _after(history, files)


@pytest.mark.parametrize(
    ("files", "config", "aspects", "bump", "path"),
    [
        (edited("prompts/plain.yaml", "hello.", "goodbye."), "plain", ("prompt",), "patch", "messages[0].template"),
        (edited("prompts/plain.yaml", "gpt-4.1-mini", "gpt-4.1"), "plain", ("model",), "minor", "model.id"),
        (edited("prompts/router.yaml", "temperature: 0", "temperature: 1"), "router", ("parameters",), "patch", "model.parameters.temperature"),
        (edited("corpora/one.md", "nine", "ten"), "help", ("retrieval",), "minor", "retrieval.corpus[corpora/one.md]"),
        (edited("prompts/router/output.schema.json", "queue", "line"), "router", ("output", "evaluation"), "major", "output.schema.properties.line"),
        (edited("guardrails/pii.yaml", "[EMAIL]", "[PHONE]"), "help", ("guardrails",), "minor", "guardrails.input.pii.rules.email.kinds"),
        (edited("evals/plain.jsonl", "hello", "hi"), "plain", ("evaluation",), "none", "evaluation.cases.a.expected"),
        (edited("judges/helpful.j2", "helpful?", "kind?"), "help", ("evaluation",), "none", "evaluation.scorers.helpful.judge.digest"),
        (edited("prompts/router.yaml", "Route a message.", "Other."), "router", ("metadata",), "none", "description"),
        (edited("prompts/router.yaml", "required: [message], ", ""), "router", ("inputs",), "minor", "inputs.required"),
    ],
)  # fmt: skip
def test_each_part_of_a_config_is_an_aspect_with_its_bump(
    history: History, files: Files, config: str, aspects: tuple[str, ...], bump: str, path: str
) -> None:
    changes = _after(history, files)
    assert [config] == list(changes)
    assert (aspects, bump) == (changes[config].aspects, changes[config].bump)
    assert path in [field.path for field in changes[config].fields]


def test_a_config_that_comes_or_goes_is_added_or_removed(history: History) -> None:
    text = FILES["prompts/plain.yaml"].replace("plain", "new").replace("hello", "bye") + "description: x\n"
    changes = _after(
        history, {"prompts/new.yaml": text, "evals/new.jsonl": FILES["evals/plain.jsonl"], "prompts/router.yaml": None}
    )
    assert {"new": "added", "router": "removed"} == {name: change.status for name, change in changes.items()}
    assert (None, "new") == (changes["new"].base, changes["new"].head.name if changes["new"].head else "")
    assert (("prompts/new.yaml",),) == changes["new"].because
    assert {"prompt", "model", "evaluation"} == set(changes["new"].aspects)
    assert (None, "major") == (changes["router"].head_digest, changes["router"].bump)


def test_a_config_that_is_renamed_and_edited_at_once_keeps_its_base(history: History) -> None:
    text = FILES["prompts/router.yaml"].replace("name: router", "name: dispatcher").replace("temperature: 0", "temperature: 1")
    changes = _after(history, {"prompts/router.yaml": None, "prompts/dispatcher.yaml": text})
    assert ["dispatcher"] == list(changes)
    change = changes["dispatcher"]
    assert ("renamed", "router", "patch", ("parameters",)) == (change.status, change.renamed_from, change.bump, change.aspects)
    assert change.base is not None
    assert "router" == change.base.name


def test_a_config_under_another_name_with_the_same_digest_is_renamed(history: History) -> None:
    text = FILES["prompts/plain.yaml"].replace("name: plain", "name: simple")
    changes = _after(history, {"prompts/plain.yaml": None, "prompts/simple.yaml": text})
    assert ["simple"] == list(changes)
    change = changes["simple"]
    assert ("renamed", "plain", "none") == (change.status, change.renamed_from, change.bump)
    assert change.base_digest == change.head_digest


def test_a_config_that_moves_and_keeps_its_name_has_not_changed(history: History) -> None:
    text = FILES["prompts/plain.yaml"].replace("../evals", "../../evals")
    assert {} == _after(history, {"prompts/plain.yaml": None, "prompts/team/plain.yaml": text})


def test_a_config_that_moves_and_changes_is_modified(history: History) -> None:
    text = FILES["prompts/plain.yaml"].replace("../evals", "../../evals").replace("hello", "bye")
    changes = _after(history, {"prompts/plain.yaml": None, "prompts/team/plain.yaml": text})
    assert ("modified", ("prompt",)) == (changes["plain"].status, changes["plain"].aspects)


def test_a_deleted_include_is_a_change_that_cannot_be_loaded(history: History) -> None:
    changes = _after(history, {"prompts/shared/words.j2": None})
    assert {"help", "router"} == changes.keys()
    router = changes["router"]
    assert ("modified", None, "none") == (router.status, router.head, router.bump)
    assert router.base is not None
    assert ("prompts/shared/tone.j2", 1) in [(item.path, item.line) for item in router.problems]
    chain = ("prompts/shared/words.j2", "prompts/shared/tone.j2", "prompts/router/system.j2", "prompts/router.yaml")
    assert (chain,) == router.because


def test_an_include_that_comes_back_is_a_change_with_a_warning_about_the_base(history: History) -> None:
    history.commit({"prompts/shared/words.j2": None})
    changes = _after(history, {"prompts/shared/words.j2": FILES["prompts/shared/words.j2"]})
    assert {"help", "router"} == changes.keys()
    problem = changes["router"].problems[-1]
    assert ("prompts/shared/tone.j2", "warning") == (problem.path, problem.severity)
    assert problem.message.startswith("at the base: ")
    assert changes["router"].head is not None
    assert "prompt" in changes["router"].aspects


def test_a_renamed_include_is_no_change_when_everything_that_names_it_follows(history: History) -> None:
    files: Files = {
        "prompts/shared/words.j2": None,
        "prompts/shared/wording.j2": FILES["prompts/shared/words.j2"],
        **edited("prompts/shared/tone.j2", "words.j2", "wording.j2"),
    }
    assert {} == _after(history, files)


def test_a_document_that_leaves_or_joins_the_corpus_changes_it(history: History) -> None:
    changes = _after(history, {"corpora/two.md": None, "corpora/deep/x.md": "not matched"})
    assert [("help", ("retrieval",), (("corpora/two.md", "prompts/help.yaml"),))] == [
        (name, change.aspects, change.because) for name, change in changes.items()
    ]
    changes = _after(history, {"corpora/three.md": "New."})
    assert (("corpora/three.md", "prompts/help.yaml"),) == changes["help"].because


def test_a_config_that_does_not_load_has_its_problems(history: History) -> None:
    changes = _after(history, edited("prompts/plain.yaml", "model:", "modle:"))
    assert [("prompts/plain.yaml", 2)] == [
        (problem.path, problem.line) for problem in changes["plain"].problems if "unknown key" in problem.message
    ]
    changes = _after(history, {"prompts/plain.yaml": "a: [", "prompts/router.yaml": "a: 1\na: 2\n"})
    assert {"plain", "router"} == changes.keys()
    assert all(change.problems and change.head is None for change in changes.values())


def test_without_a_check_only_what_stands_in_the_way_of_a_digest_is_found(history: History) -> None:
    history.commit(edited("prompts/plain.yaml", "gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"))
    git = open_git(history.folder)
    assert compute_changes(git, "main~1", "main").changes[0].problems
    (change,) = compute_changes(git, "main~1", "main", check=False).changes
    assert ((), ("model",)) == (change.problems, change.aspects)


def test_a_link_or_a_submodule_in_the_place_of_a_file_is_a_problem(history: History) -> None:
    changes = _after(history, {"prompts/router/system.j2": ("120000", "../shared/tone.j2")})
    assert any("symbolic link" in problem.message for problem in changes["router"].problems)
    changes = _after(history, {"corpora": None, "corpora/one.md": ("160000", "1" * 40)})
    assert any("submodule" in problem.message for problem in changes["help"].problems)


def test_other_patterns_add_and_remove_configs(history: History) -> None:
    changes = _after(history, {"llmops.yaml": 'configs: ["prompts/r*.yaml", "judges/*.yaml"]\n'})
    assert {"help": "removed", "plain": "removed", "helpful": "added"} == {
        name: change.status for name, change in changes.items()
    }
    assert 2 == compute_changes(open_git(history.folder), "main~1", "main").total_configs


def test_a_policy_in_a_subfolder_is_about_that_folder(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    history.commit({f"team/{path}": text for path, text in FILES.items()} | {"prompts/top.yaml": FILES["prompts/plain.yaml"]})
    history.commit({"team/guardrails/pii.yaml": "rules: {other: {use: pii}}\n", "prompts/top.yaml": "x: 1\n"})
    changes = compute_changes(open_git(history.folder), "main~1", "main", root="team")
    assert ([("help", ("guardrails",))], 3) == (
        [(item.config, item.aspects) for item in changes.changes],
        changes.total_configs,
    )


def test_from_before_the_first_commit_everything_is_added(history: History) -> None:
    changes = compute_changes(open_git(history.folder), "", "main")
    assert {"help": "added", "plain": "added", "router": "added"} == {item.config: item.status for item in changes.changes}
    assert "" == changes.base_oid


# the work tree


def test_the_work_tree_counts_with_what_is_staged_unstaged_and_untracked(history: History) -> None:
    history.check_out()
    history.write("corpora/three.md", "New.\n")
    history.write("prompts/plain.yaml", FILES["prompts/plain.yaml"].replace("hello", "staged"))
    history.git("add", "prompts/plain.yaml")
    history.write("prompts/plain.yaml", FILES["prompts/plain.yaml"].replace("hello", "bye"))
    history.write(
        "prompts/extra.yaml", FILES["prompts/plain.yaml"].replace("name: plain", "name: extra").replace("hello", "extra")
    )
    (history.folder / "prompts/router.yaml").unlink()
    changes = compute_changes(open_git(history.folder), "main", None)
    found = _by_name(changes)
    assert {"extra": "added", "help": "modified", "plain": "modified", "router": "removed"} == {
        name: change.status for name, change in found.items()
    }
    assert ("worktree", 3) == (changes.head_name, changes.total_configs)
    assert "Say bye." in found["plain"].fields[0].after


def test_a_file_that_was_touched_and_is_the_same_is_no_change(history: History) -> None:
    base = history.tip("main")
    history.commit(edited("prompts/plain.yaml", "hello", "bye"))
    history.check_out()
    history.write("prompts/plain.yaml", FILES["prompts/plain.yaml"])
    assert () == compute_changes(open_git(history.folder), base, None).changes


def test_an_ignored_file_and_a_file_behind_a_link_do_not_count(history: History, tmp_path: Path) -> None:
    history.commit({".gitignore": "corpora/secret.md\n"})
    history.check_out()
    history.write("corpora/secret.md", "secret")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "tone.j2").write_text("from outside")
    (outside / "words.j2").write_text("from outside")
    subprocess.run(["rm", "-r", str(history.folder / "prompts/shared")], check=True)
    (history.folder / "prompts/shared").symlink_to(outside)
    changes = _by_name(compute_changes(open_git(history.folder), "main", None))
    assert {"help", "router"} == changes.keys()
    for change in changes.values():
        assert any("prompts/shared is a symbolic link" in problem.message for problem in change.problems)


def test_a_repository_without_a_commit_is_compared_with_nothing(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    history.write("prompts/plain.yaml", FILES["prompts/plain.yaml"])
    history.write("evals/plain.jsonl", FILES["evals/plain.jsonl"])
    changes = compute_changes(open_git(history.folder), "", None)
    assert (["plain"], 1) == ([item.config for item in changes.changes], changes.total_configs)


def test_a_bare_repository_compares_commits_and_takes_head_for_the_work_tree(tmp_path: Path) -> None:
    history = History(tmp_path / "r.git", bare=True)
    history.commits([FILES, edited("prompts/plain.yaml", "hello", "bye")])
    changes = compute_changes(open_git(history.folder), "HEAD~1", None)
    assert ([("plain", ("prompt",))], history.tip("main")) == (
        [(item.config, item.aspects) for item in changes.changes],
        changes.head_name,
    )


def test_a_sha256_repository_works_like_any_other(tmp_path: Path) -> None:
    history = History(tmp_path / "r", object_format="sha256")
    history.commits([FILES, edited("prompts/shared/words.j2", "few", "no")])
    history.check_out()
    history.write("corpora/one.md", "Closed.\n")
    changes = _by_name(compute_changes(open_git(history.folder), "main~1", None))
    assert {"help": ("prompt", "retrieval"), "router": ("prompt",)} == {
        name: change.aspects for name, change in changes.items()
    }


# what runs


def test_each_running_config_is_compared_with_the_commit_it_runs_from(history: History) -> None:
    first = history.tip("main")
    second = history.commit(edited("prompts/plain.yaml", "hello", "bye"))
    history.commit({**edited("prompts/router/system.j2", "Route", "Send"), "prompts/help.yaml": None})
    git = open_git(history.folder)
    changes = _by_name(running_changes(git, {"plain": first, "router": second, "help": second}, "main"))
    assert {"plain": "modified", "router": "modified", "help": "removed"} == {
        name: change.status for name, change in changes.items()
    }
    changes = _by_name(running_changes(git, {"plain": second, "router": second}, "main"))
    assert {"router": "modified"} == {name: change.status for name, change in changes.items()}
    changes = _by_name(running_changes(git, {"plain": second}, "main"))
    assert {"router": "added"} == {name: change.status for name, change in changes.items()}


# what cannot be answered


def test_a_policy_that_cannot_be_read_is_an_error_at_the_head_only(history: History) -> None:
    history.commit({"llmops.yaml": "configs: 3\n"})
    git = open_git(history.folder)
    with pytest.raises(InvalidInput):
        compute_changes(git, "main~1", "main")
    history.commit({"llmops.yaml": FILES["llmops.yaml"], **edited("prompts/plain.yaml", "hello", "bye")})
    assert ["plain"] == [change.config for change in compute_changes(git, "main~1", "main").changes]


def test_a_revision_that_is_not_there_is_an_error(history: History) -> None:
    with pytest.raises(LlmopsError, match="`nope` is not a commit"):
        compute_changes(open_git(history.folder), "nope", "main")


def test_a_config_that_is_edited_and_selected_no_more_is_still_a_change(history: History) -> None:
    narrow = {"llmops.yaml": 'configs: ["prompts/r*.yaml"]\n'}
    changes = _after(history, {**narrow, **edited("prompts/plain.yaml", "Say hello.", "Say bye.")})
    assert {"help": "removed", "plain": "modified"} == {name: change.status for name, change in changes.items()}
    assert (True, True) == (changes["plain"].base is not None, changes["plain"].head is not None)


def test_so_is_one_of_which_another_file_is_edited(history: History) -> None:
    changes = _after(history, {"llmops.yaml": 'configs: ["prompts/p*.yaml"]\n', "prompts/shared/words.j2": "Use many words.\n"})
    assert {"help": "modified", "router": "modified"} == {name: change.status for name, change in changes.items()}
