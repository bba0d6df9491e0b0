"""The closure of a config: exactly the files that it reads."""

from __future__ import annotations

from llmops_git.configs.closure import Closures, closure_of
from llmops_git.configs.tree import DictTree, Entry

FILES = {
    "prompts/bot.yaml": """\
messages:
  - {role: system, file: bot/system.j2}
retrieval: {corpus: ["../corpora/**/*.md"]}
tools: [bot/tool.json]
guardrails: {input: [pii]}
evaluation:
  dataset: ../evals/bot.jsonl
  scorers:
    helpful: {use: judge, judge: ../judges/helpful.yaml}
""",
    "prompts/bot/system.j2": "{% include '../shared/tone.j2' %}",
    "prompts/shared/tone.j2": "{% import 'words.j2' as words %}",
    "prompts/shared/words.j2": "{% include 'tone.j2' %}",  # a cycle
    "prompts/bot/tool.json": "{}",
    "corpora/a.md": "a",
    "corpora/deep/b.md": "b",
    "corpora/c.txt": "not in it",
    "guardrails/pii.yaml": "x: 1",
    "evals/bot.jsonl": "{}",
    "judges/helpful.yaml": "messages: [{role: user, file: helpful.j2}]\nevaluation: {dataset: ../evals/judge.jsonl}",
    "judges/helpful.j2": "judge",
    "evals/judge.jsonl": "{}",
    "prompts/other.yaml": "messages: [{role: user, file: shared/words.j2}]",
}


def test_a_closure_holds_every_file_with_its_role_and_who_names_it() -> None:
    found = closure_of(DictTree(FILES), "prompts/bot.yaml")
    expected = [
        ("corpora/a.md", "corpus", "prompts/bot.yaml"),
        ("corpora/deep/b.md", "corpus", "prompts/bot.yaml"),
        ("evals/bot.jsonl", "dataset", "prompts/bot.yaml"),
        ("evals/judge.jsonl", "dataset", "judges/helpful.yaml"),
        ("guardrails/pii.yaml", "guardrail", "prompts/bot.yaml"),
        ("judges/helpful.j2", "message", "judges/helpful.yaml"),
        ("judges/helpful.yaml", "judge", "prompts/bot.yaml"),
        ("prompts/bot.yaml", "config", ""),
        ("prompts/bot/system.j2", "message", "prompts/bot.yaml"),
        ("prompts/bot/tool.json", "tool", "prompts/bot.yaml"),
        ("prompts/shared/tone.j2", "include", "prompts/bot/system.j2"),
        ("prompts/shared/words.j2", "include", "prompts/shared/tone.j2"),
    ]
    assert expected == [(item.path, item.role, item.via) for item in found.dependencies]
    tree = DictTree(FILES)
    assert [tree.entry(item.path) for item in found.dependencies] == [Entry(item.mode, item.oid) for item in found.dependencies]
    assert ((), (("corpora/**/*.md", "prompts/bot.yaml"),)) == (found.problems, found.patterns)


def test_guardrails_are_below_the_policys_folder() -> None:
    files = {"team/prompts/a.yaml": "guardrails: {output: [pii]}", "team/guardrails/pii.yaml": "x: 1"}
    paths = [item.path for item in closure_of(DictTree(files), "team/prompts/a.yaml", "team").dependencies]
    assert ["team/guardrails/pii.yaml", "team/prompts/a.yaml"] == paths


def test_a_missing_file_is_a_problem_at_the_field_that_names_it() -> None:
    files = {"p/a.yaml": "x: 1\nmessages:\n- {file: a/sistem.j2}", "p/a/system.j2": ""}
    found = closure_of(DictTree(files), "p/a.yaml")
    (problem,) = found.problems
    assert ("p/a.yaml", 3, "$.messages[0].file") == (problem.path, problem.line, problem.pointer)
    assert ("`a/sistem.j2`: no such file", "did you mean `system.j2`?") == (problem.message, problem.hint)
    assert (("p/a/sistem.j2", "p/a.yaml"),) == found.missing


def test_a_missing_include_is_a_problem_at_its_line_unless_it_may_be_missing() -> None:
    files = {
        "p/a.yaml": "messages: [{file: t.j2}]",
        "p/t.j2": "one\n{% include 'gone.j2' %}{% include 'maybe.j2' ignore missing %}",
    }
    found = closure_of(DictTree(files), "p/a.yaml")
    assert [("p/t.j2", 2, "`gone.j2`: no such file")] == [(item.path, item.line, item.message) for item in found.problems]
    assert (("p/gone.j2", "p/t.j2"), ("p/maybe.j2", "p/t.j2")) == found.missing


def test_a_pattern_that_nothing_fits_is_a_problem() -> None:
    found = closure_of(DictTree({"p/a.yaml": "retrieval: {corpus: ['c/*.md']}", "p/c/x.txt": ""}), "p/a.yaml")
    assert ["`c/*.md`: no file fits this pattern"] == [problem.message for problem in found.problems]
    assert (("p/c/*.md", "p/a.yaml"),) == found.patterns


def test_links_and_submodules_are_refused_wherever_they_stand() -> None:
    files = {
        "p/a.yaml": "messages: [{file: link.j2}, {file: folder/x.j2}, {file: sub/x.j2}, {file: t.j2/x}]\nretrieval: {corpus: ['c/*', 'folder/*']}",
        "p/link.j2": "t.j2",
        "p/folder": "elsewhere",
        "p/sub": "0" * 40,
        "p/c/one.md": "../../secret",
        "p/t.j2": "",
    }
    modes = {"p/link.j2": "120000", "p/folder": "120000", "p/sub": "160000", "p/c/one.md": "120000"}
    found = closure_of(DictTree(files, modes=modes), "p/a.yaml")
    assert ["p/a.yaml"] == [item.path for item in found.dependencies]
    assert [
        "`link.j2`: is a symbolic link, and links are not followed",
        "`folder/x.j2`: p/folder is a symbolic link, and links are not followed",
        "`sub/x.j2`: p/sub is a submodule, and submodules are not read",
        "`t.j2/x`: p/t.j2 is a file, not a folder",
        "`c/*`: p/c/one.md is a symbolic link, and links are not followed",
        "`folder/*`: p/folder is a symbolic link, and links are not followed",
    ] == [problem.message for problem in found.problems]


def test_a_folder_where_a_file_is_named_is_said_to_be_one() -> None:
    found = closure_of(DictTree({"p/a.yaml": "messages: [{file: b}]", "p/b/x.j2": ""}), "p/a.yaml")
    assert ["`b`: this is a folder, not a file"] == [problem.message for problem in found.problems]


def test_a_config_that_is_missing_or_a_link_has_a_problem_and_no_files() -> None:
    for tree in (DictTree({}), DictTree({"a.yaml": "b.yaml"}, modes={"a.yaml": "120000"})):
        found = closure_of(tree, "a.yaml")
        assert ((), 1) == (found.dependencies, len(found.problems))


def test_a_file_read_in_two_roles_is_there_twice_and_followed_as_a_template() -> None:
    files = {
        "p/a.yaml": "retrieval: {corpus: ['*.md']}\nmessages: [{file: t.md}]",
        "p/t.md": "{% include 'u.j2' %}",
        "p/u.j2": "",
    }
    found = closure_of(DictTree(files), "p/a.yaml")
    assert [("p/a.yaml", "config"), ("p/t.md", "corpus"), ("p/t.md", "message"), ("p/u.j2", "include")] == [
        (item.path, item.role) for item in found.dependencies
    ]


def test_a_closure_with_too_many_files_is_cut_off_with_a_problem() -> None:
    files = {f"p/{number}.md": "" for number in range(10_001)} | {"p/a.yaml": "retrieval: {corpus: ['*.md']}"}
    found = closure_of(DictTree(files), "p/a.yaml")
    assert ["this config reads more than 10,000 files"] == [problem.message for problem in found.problems]


class _Counting(DictTree):
    """A tree that counts how often each file is read."""

    def __init__(self, files: dict[str, str]) -> None:
        super().__init__(files)
        self.reads: list[str] = []
        self.batches = 0

    def read(self, paths):  # type: ignore[no-untyped-def]
        wanted = list(paths)
        self.reads += wanted
        self.batches += 1
        return super().read(wanted)


def test_many_closures_read_each_file_once_and_level_by_level() -> None:
    tree = _Counting(FILES)
    closures = Closures(tree)
    closures.prepare(["prompts/bot.yaml", "prompts/other.yaml"])
    assert 3 == tree.batches
    assert sorted(set(tree.reads)) == sorted(tree.reads)
    for path in ("prompts/bot.yaml", "prompts/other.yaml"):
        assert closure_of(DictTree(FILES), path) == closures.of(path)
    assert 3 == tree.batches
