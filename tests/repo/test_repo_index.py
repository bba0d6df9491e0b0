"""The index: the same answers with it, without it, and whatever happens to its file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from history import Files, History
from hypothesis import given, settings
from hypothesis import strategies as st
from small_project import FILES, edited
from test_repo_prefilter import _again, _repositories

from llmops_git.configs.closure import Closure, closure_of
from llmops_git.configs.tree import DictTree
from llmops_git.repo.changes import ChangeSet, compute_changes
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.index import Index, look_up, open_index, pack, shard_of, unpack
from llmops_git.repo.mentions import MentionTable
from llmops_git.repo.prefilter import Listing


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "r")
    made.commits([FILES, edited("prompts/shared/words.j2", "few", "many")])
    return made


def _diff(folder: Path, base: str = "main~1", head: str | None = "main", *, use_index: bool = True) -> ChangeSet:
    git = open_git(folder)
    index = open_index(git) if use_index else None
    try:
        return compute_changes(git, base, head, index=index, check=False, load=False)
    finally:
        if index is not None:
            index.close()


def _said(changes: ChangeSet) -> list[object]:
    """All that a change says, without the loaded configs."""
    return [
        changes.base_oid,
        changes.head_name,
        changes.total_configs,
        [
            (
                item.config,
                item.status,
                item.aspects,
                item.bump,
                item.because,
                item.fields,
                item.base_digest,
                item.head_digest,
                item.problems,
            )
            for item in changes.changes
        ],
    ]


def _file(folder: Path) -> Path:
    return folder / ".git/llmops-git/cache.db"


def test_the_second_run_says_what_the_first_one_said(history: History) -> None:
    plain = _said(_diff(history.folder, use_index=False))
    assert 2 == len(_diff(history.folder).changes)
    assert plain == _said(_diff(history.folder))
    assert _file(history.folder).is_file()


def test_a_warm_index_follows_new_commits_and_the_work_tree(history: History) -> None:
    _diff(history.folder)
    steps: list[Files] = [
        {
            "prompts/more.yaml": FILES["prompts/plain.yaml"]
            .replace("name: plain", "name: more")
            .replace("Say hello.", "{% include 'shared/new.j2' %}")
        },
        {"prompts/shared/new.j2": "{% include 'newer.j2' %}"},
        {"prompts/shared/newer.j2": "New."},
        {"corpora/three.md": "Three."},
        {"prompts/more.yaml": None, "README.md": "x"},
    ]
    for step in steps:
        history.commit(step)
        assert _said(_diff(history.folder, use_index=False)) == _said(_diff(history.folder))
    history.check_out()
    for path, text in (
        ("prompts/shared/late.j2", "Late."),
        ("prompts/plain.yaml", FILES["prompts/plain.yaml"].replace("Say hello.", "{% include 'shared/late.j2' %}")),
    ):
        history.write(path, text)
        assert _said(_diff(history.folder, "main", None, use_index=False)) == _said(_diff(history.folder, "main", None))
    history.write("prompts/shared/late.j2", "Later.")
    assert ["plain"] == [item.config for item in _diff(history.folder, "main", None).changes]


def test_going_back_to_an_older_commit_or_another_base_is_no_trouble(history: History) -> None:
    history.commit(edited("prompts/plain.yaml", "hello", "bye"))
    for base, head in (("main~1", "main"), ("main~2", "main~1"), ("main", "main~2"), ("", "main~2"), ("main~2", "main")):
        assert _said(_diff(history.folder, base, head, use_index=False)) == _said(_diff(history.folder, base, head))


def test_other_patterns_make_another_index(history: History) -> None:
    _diff(history.folder)
    history.commit({"llmops.yaml": 'configs: ["prompts/p*.yaml"]\n'})
    history.commit(edited("prompts/plain.yaml", "hello", "bye"))
    assert _said(_diff(history.folder, use_index=False)) == _said(_diff(history.folder))
    assert 1 == _diff(history.folder).total_configs


def test_a_tree_that_is_gone_from_the_object_store_is_no_trouble(history: History) -> None:
    history.commit(edited("prompts/plain.yaml", "hello", "bye"))
    _diff(history.folder)
    history.git("update-ref", "refs/heads/main", "main~1")
    history.git("reflog", "expire", "--expire=now", "--all")
    history.git("gc", "-q", "--prune=now")
    assert _said(_diff(history.folder, use_index=False)) == _said(_diff(history.folder))


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_file_is_replaced(history: History, content: bytes) -> None:
    expected = _said(_diff(history.folder))
    _file(history.folder).write_bytes(content)
    assert expected == _said(_diff(history.folder))
    assert expected == _said(_diff(history.folder))
    with sqlite3.connect(_file(history.folder)) as connection:
        assert connection.execute("select count(*) from mention").fetchone()[0]
    connection.close()


def test_a_damaged_table_is_no_trouble(history: History) -> None:
    expected = _said(_diff(history.folder))
    connection = sqlite3.connect(_file(history.folder))
    connection.executescript("drop table mention; drop table scan; drop table comparison;")
    connection.close()
    assert expected == _said(_diff(history.folder))


def test_what_is_not_json_in_it_is_computed_again(history: History) -> None:
    expected = _said(_diff(history.folder))
    connection = sqlite3.connect(_file(history.folder))
    connection.executescript("update scan set found = '{'; update comparison set found = '{';")
    connection.close()
    assert expected == _said(_diff(history.folder))


def test_a_file_of_another_version_is_dropped(history: History) -> None:
    expected = _said(_diff(history.folder))
    connection = sqlite3.connect(_file(history.folder))
    connection.execute("pragma user_version = 999")
    connection.close()
    assert expected == _said(_diff(history.folder))
    connection = sqlite3.connect(_file(history.folder))
    assert 999 != connection.execute("pragma user_version").fetchone()[0]
    connection.close()


def test_a_locked_file_is_left_alone(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmops_git.repo.index._SECONDS", 0.01)
    expected = _said(_diff(history.folder))
    connection = sqlite3.connect(_file(history.folder), isolation_level=None)
    connection.execute("begin exclusive")
    assert expected == _said(_diff(history.folder))
    connection.execute("rollback")
    connection.close()


def test_a_place_that_cannot_be_written_is_no_trouble(history: History) -> None:
    (history.folder / ".git/llmops-git").write_text("a file where the folder should be")
    assert open_index(open_git(history.folder)) is None
    assert 2 == len(_diff(history.folder).changes)


def test_a_file_that_may_only_be_read_is_read(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _said(_diff(history.folder))
    real = sqlite3.connect

    def refuse(database: object, *arguments: object, **options: object) -> sqlite3.Connection:
        if not options.get("uri"):
            raise sqlite3.OperationalError("attempt to write a readonly database")
        return real(database, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("llmops_git.repo.index.sqlite3.connect", refuse)
    assert expected == _said(_diff(history.folder))
    index = open_index(open_git(history.folder))
    assert index is not None
    assert index.tree
    index.close()


def test_worktrees_share_one_file_and_each_policy_folder_has_its_own(history: History, tmp_path: Path) -> None:
    history.git("worktree", "add", "-q", "--detach", str(tmp_path / "second"), "main")
    _diff(tmp_path / "second")
    assert _file(history.folder).is_file()
    index = open_index(open_git(history.folder), "team")
    assert index is not None
    index.close()
    assert 2 == len(list(_file(history.folder).parent.glob("*.db")))


def test_many_processes_at_once_agree(history: History) -> None:
    history.commit(
        {
            f"prompts/c{number}.yaml": FILES["prompts/plain.yaml"].replace("name: plain", f"name: c{number}")
            for number in range(20)
        }
    )
    history.commit(edited("prompts/shared/words.j2", "few", "no"))
    script = "import sys; sys.path[:0] = sys.argv[2:]; from test_repo_index import _diff; from pathlib import Path; print(len(_diff(Path(sys.argv[1])).changes))"
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(history.folder), *folders], stdout=subprocess.PIPE, env=os.environ.copy()
        )
        for _ in range(4)
    ]
    assert [b"2\n"] * 4 == [process.communicate()[0] for process in running]
    assert _said(_diff(history.folder, use_index=False)) == _said(_diff(history.folder))


def test_packed_lists_are_what_was_packed() -> None:
    lists = {b"a/x.j2": [b"p/one", b"p/two"], b"x/x.j2": [b"three"], b"*": [b"p"]}
    packed = pack(lists)
    assert lists == unpack(packed)
    assert lists == {key: look_up(packed, key) for key in lists}
    assert [] == look_up(packed, b"x.j2")
    assert [] == look_up(packed, b"p/one")
    assert [] == look_up(pack({}), b"a")
    assert {} == unpack(b"")


def test_an_index_moved_by_somebody_else_is_not_moved_back(history: History) -> None:
    _diff(history.folder)
    git = open_git(history.folder)
    first, second = open_index(git), open_index(git)
    assert first is not None
    assert second is not None
    table = MentionTable()
    table.add(b"p/new.j2", b"p/one.yaml")
    second.move("b" * 40, 5, table)
    first.move("a" * 40, 7, table)
    _close_both(first, second)
    last = open_index(git)
    assert last is not None
    assert last.tree in ("a" * 40, "b" * 40)
    assert [b"p/one.yaml"] == list(last.keyed([b"p/new.j2"]))
    last.close()


def _close_both(first: Index, second: Index) -> None:
    second._connection.execute("commit")
    first.close()
    second._connection.execute("begin")
    second.close()


def test_the_shard_of_a_key_does_not_depend_on_the_process() -> None:
    assert 91 == shard_of(b"*")


# any repository


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="llmops-git-test-"))
    yield made
    shutil.rmtree(made)


def _reads(closure: Closure) -> set[object]:
    return {(item.path, item.mode, item.oid) for item in closure.dependencies} | set(closure.missing)


@settings(max_examples=12)
@given(before=_repositories(), after=_repositories(), keep=st.booleans())
def test_on_random_repositories_exactly_the_configs_whose_closure_differs_are_found(
    folder: Path, before: tuple[dict[str, str], list[str]], after: tuple[dict[str, str], list[str]], keep: bool
) -> None:
    history = _again(folder / "r") if (folder / "r").exists() else History(folder / "r")
    (history.git_dir / "llmops-git/cache.db").unlink(missing_ok=True)
    policy = {"llmops.yaml": 'configs: ["p/**/*.yaml", "*ee.yaml"]\n'}
    old = before[0] | policy
    new = (before[0] | after[0] if keep else after[0]) | policy
    try:
        history.commit(old)
        history.commit({**dict.fromkeys(old), **new})
    except subprocess.CalledProcessError:
        return  # a file and a folder of one name
    configs = ["p/one.yaml", "p/a/two.yaml", "three.yaml", "p/c.yaml", "p/a/c.yaml", "p/a/b/c.yaml"]
    expected = set()
    for config in configs:
        closures = [closure_of(DictTree(files), config) for files in (old, new)]
        if (config in old) != (config in new) or (config in new and _reads(closures[0]) != _reads(closures[1])):
            expected.add(config)
    git: Git = open_git(history.folder)
    assert _names(expected) == _names_found(compute_changes(git, "main~1", "main"))
    assert _names(expected) == _names_found(_diff(history.folder))
    assert _names(expected) == _names_found(_diff(history.folder)), "from a warm index"
    _diff(history.folder, "main", "main~1")
    assert _names(expected) == _names_found(_diff(history.folder)), "from an index that was elsewhere"


def _names(paths: set[str]) -> set[str]:
    return {path.rpartition("/")[2].removesuffix(".yaml") for path in paths}


def _names_found(changes: ChangeSet) -> set[str]:
    return {change.config for change in changes.changes}


def test_a_listing_tells_files_from_links_and_submodules() -> None:
    listed = b"160000 commit %s\tsub\x00100644 blob %s\ta b\x00120000 blob %s\tlink\x00100755 blob %s\tx.sh\x00" % (
        (b"1" * 40,) * 4
    )
    assert ([b"a b", b"x.sh"], [b"link"]) == (list(Listing.parse(listed).oids), Listing.parse(listed).links)
