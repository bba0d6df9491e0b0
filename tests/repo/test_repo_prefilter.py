"""The prefilter finds every reference that a full parse finds: on strange spellings one by one, and on random repositories."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from history import History
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_git.configs.closure import closure_of
from llmops_git.configs.paths import config_files
from llmops_git.configs.policy import Policy
from llmops_git.configs.tree import DictTree
from llmops_git.repo.git import open_git
from llmops_git.repo.mentions import MentionTable, key_of, key_of_text, mentioned, reach
from llmops_git.repo.names import scan_configs, scan_templates
from llmops_git.repo.prefilter import Listing, add_exactly, mentions_of
from llmops_git.repo.reader import Blobs


def _blobs(*contents: bytes) -> Blobs:
    buffer, starts, ends = b"", [], []
    for content in contents:
        buffer += b"0" * 40 + b" blob %d\n" % len(content)
        starts.append(len(buffer))
        buffer += content + b"\n"
        ends.append(len(buffer) - 1)
    return Blobs(buffer, starts, ends)


def _reaches(config: str, changed: str, path: str = "prompts/a.yaml", root: str = "") -> bool:
    """Whether a scan of one config says that it may read the changed file."""
    table = MentionTable()
    blobs = _blobs(config.encode())
    for number in scan_configs(blobs, [path.encode()], table):
        add_exactly(table, path.encode(), blobs[number], "config", root)
    return path.encode() in reach(table, [changed.encode()], root.encode())


SPELLINGS = [
    ("messages: [{file: a/x.j2}]", "prompts/a/x.j2"),
    ("messages: [{file: ./a/../a//x.j2}]", "prompts/a/x.j2"),
    ("messages: [{file: ../prompts/./x.j2}]", "prompts/x.j2"),
    ('messages: [{file: "a/x.j2"}]', "prompts/a/x.j2"),
    ('messages: [{file: "a/\\x78.j2"}]', "prompts/a/x.j2"),
    ('messages: [{file: "a\\/x.j2"}]', "prompts/a/x.j2"),
    ('messages: [{file: "a/\\\n  x.j2"}]', "prompts/a/x.j2"),
    ('messages: [{file: "\\u0061/x.j2"}]', "prompts/a/x.j2"),
    ('"mess\\x61ges": [{"f\\x69le": a/x.j2}]', "prompts/a/x.j2"),
    ("messages:\n- file: >-\n    a/x.j2\n", "prompts/a/x.j2"),
    ("? messages\n: - ? file\n    : a/x.j2\n", "prompts/a/x.j2"),
    ("description: &f a/x.j2\nmessages: [{file: *f}]", "prompts/a/x.j2"),
    ("messages: [{file: my file.j2}]", "prompts/my file.j2"),
    ("messages: [{file: my\n   file.j2}]", "prompts/my file.j2"),
    ("messages: [{file: 'it''s.j2'}]", "prompts/it's.j2"),
    ('messages: [{file: "a\\tb.j2"}]', "prompts/a\tb.j2"),
    ("messages: [{file: my dir/x.j2}]", "prompts/my dir/x.j2"),
    ("messages: [{file: x y/../a/x.j2}]", "prompts/a/x.j2"),
    ("messages: [{file: zwölf/ä.j2}]", "prompts/zwölf/ä.j2"),
    ("messages: [{file: a/prompt}]", "prompts/a/prompt"),
    ("messages: [{file: a/x.1}]", "prompts/a/x.1"),
    ("messages: [{file: (x).j2}]", "prompts/(x).j2"),
    ("messages: [{file: x.(a)}]", "prompts/x.(a)"),
    ('{"messages":[{"file":"a/x.j2"}]}', "prompts/a/x.j2"),
    ("guardrails: {input: [pii]}", "guardrails/pii.yaml"),
    ("guardrails:\n  output:\n  - pii\n", "guardrails/pii.yaml"),
    ('guardrails: {input: ["p\\x69i"]}', "guardrails/pii.yaml"),
    ("messages: [{content: \"{% include 'a/x.j2' %}\"}]", "prompts/a/x.j2"),
    ("messages: [{content: \"{% include 'a/\\\\x78.j2' %}\"}]", "prompts/a/x.j2"),
    ("messages:\n- content: |\n    {% include 'a/\\x78.j2' %}\n", "prompts/a/x.j2"),
    ("messages:\n- content: |\n    {% include 'a/\\170.j2' %}\n", "prompts/a/x.j2"),
    ("retrieval: {corpus: ['../docs/*.md']}", "docs/a.md"),
    ("retrieval: {corpus: ../docs/*.md}", "docs/a.md"),
    ("retrieval: {corpus: ../docs/*.md, top_k: 3}", "docs/a.md"),
    ("retrieval:\n  corpus: ../docs/**\n  top_k: 3\n", "docs/deep/a.md"),
    ("retrieval:\n  corpus:\n  - ../x/*.md\n  - ../docs/*.md\n", "docs/a.md"),
    ("retrieval:\n  corpus: # all\n    - '../docs/[a-c].md' # some\n  top_k: 3\n", "docs/a.md"),
    ("retrieval:\n  corpus:\n    - ../docs/[abc].md\n", "docs/a.md"),
    ("retrieval:\n  corpus:\n    -\n      ../docs/*.md\n", "docs/a.md"),
    ("retrieval:\n  corpus: [\n    ../docs/*.md\n  ]\n", "docs/a.md"),
    ("retrieval:\n  corpus: &c\n  - ../docs/?.md\n", "docs/a.md"),
    ("description: &d ../docs/*.md\nretrieval: {corpus: [*d]}", "docs/a.md"),
    ('retrieval: {"corpus":["../docs/*.md"]}', "docs/a.md"),
    ("retrieval: {corpus  :  ['../docs/*.md']}", "docs/a.md"),
    ("retrieval:\n  ? corpus\n  : ['../docs/*.md']\n", "docs/a.md"),
    ("retrieval:\n  ? 'corpus'\n  : ['../docs/*.md']\n", "docs/a.md"),
    ("retrieval: {\"corp\\x75s\": ['../docs/*.md']}", "docs/a.md"),
    ('retrieval: {corpus: ["../docs/\\x2a.md"]}', "docs/a.md"),
    ("retrieval:\n  corpus: ../my docs/*.md\n", "my docs/a b.md"),
    ("retrieval:\n  corpus: ../my\n    docs/*.md\n", "my docs/a b.md"),
    ("retrieval:\n  corpus: ../a,b/*.md\n", "a,b/a.md"),
    ("retrieval: {corpus: ['../it''s/*.md']}", "it's/a.md"),
    ("retrieval: {corpus: ../docs/*.md#x}", "docs/a.md#x"),
    ("evaluation:\n  dataset: ../evals/*.jsonl\n\n\n  scorers: {}\n", "evals/a.jsonl"),
    ("evaluation: {dataset: '../evals/*.jsonl'}\n", "evals/a.jsonl"),
    ("evaluation:\n  dataset: ../evals/\n    *.jsonl\n", "evals/ a.jsonl"),
    ("evaluation:\n  dataset:\n    ../evals/*.jsonl\n", "evals/a.jsonl"),
    ("evaluation: {scorers: {h: {judge: ../judges/h.yaml}}}", "judges/h.yaml"),
]  # fmt: skip


@pytest.mark.parametrize(("config", "changed"), SPELLINGS)
def test_however_a_file_is_named_the_scan_sees_it(config: str, changed: str) -> None:
    tree = DictTree({"prompts/a.yaml": config, changed: ""})
    assert changed in [item.path for item in closure_of(tree, "prompts/a.yaml").dependencies], "the spelling means that file"
    assert _reaches(config, changed)


def test_what_is_plainly_not_named_is_not_reached() -> None:
    config = "# $schema=../other/x.j2\nmessages: [{file: a/x.j2}]\nretrieval: {corpus: ['../docs/*.md']}"
    for changed in ("prompts/b/x.j2", "other/x.j2", "x.j2", "docs/a.txt", "docs/deep/a.md", "guardrails/pii.yaml"):
        assert not _reaches(config, changed)


def test_the_key_of_a_text_is_that_of_the_path_it_means() -> None:
    for text, path in (("a/x.j2", "p/a/x.j2"), ("x.j2", "p/x.j2"), ("../a/x.j2", "a/x.j2"), ("q/../a/x.j2", "p/a/x.j2")):
        assert key_of(path.encode()) == key_of_text(text.encode(), b"p")
    assert b"*/x.j2" == key_of_text(b"../x.j2", b"p")
    assert b"/x.j2" == key_of(b"x.j2")


TEMPLATES = [
    ("{% include 'x.j2' %}", False),
    ('{%-include "../t/x.j2"-%}', False),
    ("{% from './x.j2' import a %}", False),
    ("{%\u00a0include 'x.j2' %}", False),
    ("{%\u00a0include\u00a0'x.j2' %}", True),
    ("{% include 'x' '.j2' %}", True),
    ("{% include '\\x78.j2' %}", True),
    ("{% include name %}", True),
    ("{# {% include 'x.j2' %} #}", False),
]


@pytest.mark.parametrize(("text", "unsure"), TEMPLATES)
def test_an_include_is_a_mention_or_its_template_is_unsure(text: str, unsure: bool) -> None:
    table = MentionTable()
    assert ([0] if unsure else []) == scan_templates(_blobs(text.encode()), [b"t/a.j2"], table)
    if not unsure:
        assert {b"t/a.j2"} == reach(table, [b"t/x.j2"])
        assert mentioned(table, b"t/x.j2")


# random repositories

NAMES = ["x.j2", "my x.j2", "ä.j2", "prompt", "a.md", "b.txt", "it's.md", "c.yaml", "v.1"]
FOLDERS = ["", "p/", "p/a/", "docs/", "my docs/", "judges/", "p/a/b/"]
QUOTES = ['"{}"', "'{}'", "{}", '"\\x2e/{}"', '"{}" # c']
INCLUDES = [
    '{{% include "{}" %}}',
    "{{%- include '{}' ignore missing -%}}",
    "{{% include '{}' if x %}}",
    "{{# {{% include '{}' %}} #}}",
    "{}",
]


@st.composite
def _repositories(draw: st.DrawFn) -> tuple[dict[str, str], list[str]]:
    """Files of a repository, and some of their paths."""
    paths = draw(
        st.lists(
            st.builds("{}{}".format, st.sampled_from(FOLDERS), st.sampled_from(NAMES)), min_size=2, max_size=6, unique=True
        )
    )
    configs = draw(st.lists(st.sampled_from(["p/one.yaml", "p/a/two.yaml", "three.yaml"]), min_size=1, max_size=3, unique=True))
    files = {}
    for path in paths:
        text = draw(
            st.lists(
                st.builds(
                    str.format, st.sampled_from(INCLUDES), st.sampled_from(paths).map(lambda to, at=path: _relative(at, to))
                ),
                max_size=2,
            )
        )
        files[path] = "\n".join(text)
    for path in configs:
        files[path] = _config(draw, path, paths)
    return files, paths


def _config(draw: st.DrawFn, path: str, paths: list[str]) -> str:
    def named() -> str:
        text = _relative(path, draw(st.sampled_from(paths)))
        return draw(st.sampled_from(QUOTES)).format(text.replace("'", "''") if draw(st.booleans()) else text)

    lines = []
    if draw(st.booleans()):
        lines.append(f"messages:\n- file: {named()}")
    if draw(st.booleans()):
        lines.append(f"tools:\n- {named()}\n- {named()}")
    if draw(st.booleans()):
        pattern = draw(st.sampled_from(["*.md", "../docs/*", "**", "../my docs/?.md", "[a-b]*", "../**/*.md"]))
        lines.append(
            draw(
                st.sampled_from(
                    [
                        "retrieval:\n  corpus: ['{}']",
                        'retrieval:\n  corpus:\n  - "{}"',
                        'retrieval: {{corpus: "{}"}}',
                        "retrieval:\n  corpus: x{}",
                    ]
                )
            ).format(pattern)
        )
    if draw(st.booleans()):
        lines.append(f"evaluation:\n  scorers:\n    h:\n      judge: {named()}")
    return "\n".join(lines) + "\n"


def _relative(at: str, to: str) -> str:
    return "../" * at.count("/") + to


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="llmops-git-test-"))
    yield made
    shutil.rmtree(made)


@settings(max_examples=60)
@given(repository=_repositories())
def test_on_random_repositories_every_config_that_reads_a_file_is_reached(
    folder: Path, repository: tuple[dict[str, str], list[str]]
) -> None:
    files, paths = repository
    history = History(folder / "r") if not (folder / "r").exists() else _again(folder / "r")
    history.commit(files)
    git = open_git(history.folder)
    tree = DictTree(files)
    policy = Policy(configs=("p/**/*.yaml", "*.yaml"))
    configs = config_files(files, policy)
    listing = Listing.parse(git.run("ls-tree", "-r", "-z", "--full-tree", "main"))
    table = mentions_of(git, listing, [path.encode() for path in configs])
    closures = {config: closure_of(tree, config) for config in configs}
    for path in paths:
        reading = {config for config, closure in closures.items() if path in [item.path for item in closure.dependencies]}
        found = {item.decode() for item in reach(table, [path.encode()])}
        assert reading - {path} <= found, (path, reading - found)


def _again(folder: Path) -> History:
    """The same repository, empty: making one costs more than all the rest."""
    made = History.__new__(History)
    made.folder = folder
    made.git("update-ref", "-d", "refs/heads/main")
    return made
