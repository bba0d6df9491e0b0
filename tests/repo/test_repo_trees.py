"""Trees of commits, of the index and of the work tree, in real repositories."""

from __future__ import annotations

import gc
import os
import subprocess
from pathlib import Path

import pytest
from history import History, run_git

from llmops_git.configs.tree import Entry, blob_oid
from llmops_git.errors import InvalidInput, LlmopsError, NotMeasured
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.trees import CommitTree, commit_tree, index_tree, work_tree

ODD = 'folder/zwölf "quoted"\t\n.txt'
FILES = {
    "a.txt": "one",
    "folder/b.txt": "two",
    "folder/deeper/c.txt": "three",
    ODD: "odd",
    "run.sh": ("100755", "#!"),
    "link": ("120000", "a.txt"),
    "linked": ("120000", "folder"),
}


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "r")
    made.commit(FILES)
    return made


def _entry(content: str, mode: str = "100644") -> Entry:
    return Entry(mode, blob_oid(content.encode()))


def test_a_commit_knows_its_files_without_listing_them_all(history: History) -> None:
    tree = commit_tree(open_git(history.folder), "main")
    assert _entry("three") == tree.entry("folder/deeper/c.txt")
    assert _entry("odd") == tree.entry(ODD)
    assert _entry("#!", "100755") == tree.entry("run.sh")
    assert _entry("folder", "120000") == tree.entry("linked")
    assert tree._all is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path", ["", "folder", "folder/", "/a.txt", "a.txt/x", "linked/b.txt", "nope/x", "a//b", "x/" * 3000 + "y", "./a.txt"]
)
def test_what_is_not_a_file_has_no_entry(history: History, path: str) -> None:
    assert commit_tree(open_git(history.folder), "main").entry(path) is None


def test_walking_lists_everything_or_what_is_below_a_folder(history: History) -> None:
    tree = commit_tree(open_git(history.folder), "main")
    below = {"folder/b.txt", "folder/deeper/c.txt", ODD}
    assert below == set(tree.walk("folder"))
    assert {} == tree.walk("nope")
    assert set(FILES) == set(tree.walk())
    assert below == set(tree.walk("folder"))
    assert {path: tree.entry(path) for path in FILES} == tree.walk()


def test_reading_leaves_out_links_and_what_is_not_there(history: History) -> None:
    tree = commit_tree(open_git(history.folder), "main")
    assert {"a.txt": b"one", ODD: b"odd"} == tree.read(["a.txt", ODD, "link", "nope", "folder"])


def test_more_blobs_than_a_pipe_holds_are_read_in_order(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    files = {f"f/{number}": f"{number}" * 500 for number in range(3000)}
    history.commit(files)
    tree = commit_tree(open_git(history.folder), "main")
    assert {path: text.encode() for path, text in files.items()} == tree.read(files)


def test_a_sha256_repository_is_read_like_any_other(tmp_path: Path) -> None:
    history = History(tmp_path / "r", object_format="sha256")
    history.commit(FILES)
    history.check_out()
    git = open_git(history.folder)
    expected = Entry("100644", blob_oid(b"two", algorithm="sha256"))
    for tree in (commit_tree(git, "main"), index_tree(git), work_tree(git)):
        assert expected == tree.entry("folder/b.txt")
        assert expected == tree.walk()["folder/b.txt"]
    history.write("folder/b.txt", "new")
    assert Entry("100644", blob_oid(b"new", algorithm="sha256")) == work_tree(git).entry("folder/b.txt")


def test_a_bare_repository_has_commits_but_no_work_tree(tmp_path: Path) -> None:
    history = History(tmp_path / "r.git", bare=True)
    history.commit(FILES)
    git = open_git(history.folder)
    assert {"a.txt": b"one"} == commit_tree(git, "HEAD").read(["a.txt"])
    with pytest.raises(LlmopsError, match="bare repository"):
        work_tree(git)


@pytest.mark.parametrize("revision", ["nope", "", "--help", "-1", "a\nb", "main:a.txt", "\udcff"])
def test_a_revision_that_is_no_commit_is_an_error(history: History, revision: str) -> None:
    with pytest.raises(LlmopsError, match="is not a commit"):
        commit_tree(open_git(history.folder), revision)


def test_a_commit_tree_is_called_by_the_commits_id(history: History) -> None:
    assert history.tip("main") == commit_tree(open_git(history.folder), "main").name


def test_the_index_holds_what_is_staged(history: History) -> None:
    history.check_out()
    history.write("a.txt", "staged")
    history.git("add", "a.txt")
    history.write("a.txt", "not staged")
    history.write("new.txt", "untracked")
    tree = index_tree(open_git(history.folder))
    assert {"a.txt": b"staged"} == tree.read(["a.txt", "new.txt"])
    assert set(FILES) == set(tree.walk())
    assert {"folder/deeper/c.txt"} == set(tree.walk("folder/deeper"))


def test_an_index_with_conflicts_is_refused_and_the_work_tree_still_read(history: History) -> None:
    base = history.tip("main")
    history.commit({"a.txt": "theirs"}, branch="other", onto=base)
    history.commit({"a.txt": "ours"})
    history.check_out()
    subprocess.run(["git", "-C", str(history.folder), "merge", "-q", "other"], capture_output=True, check=False)
    git = open_git(history.folder)
    with pytest.raises(LlmopsError, match=r"a\.txt has merge conflicts"):
        index_tree(git).walk()
    assert b"<<<<<<<" in work_tree(git).read(["a.txt"])["a.txt"]


def test_the_work_tree_is_what_is_on_disk_except_what_is_ignored(history: History) -> None:
    history.check_out()
    history.write(".gitignore", "*.log\n")
    history.write("debug.log", "ignored")
    history.write("a.txt", "changed")
    history.write("untracked/ä.txt", "new")
    (history.folder / "folder/b.txt").unlink()
    (history.folder / "run.sh").chmod(0o644)
    (history.folder / "untracked/link").symlink_to("../a.txt")
    tree = work_tree(open_git(history.folder))
    assert (set(FILES) - {"folder/b.txt"}) | {".gitignore", "untracked/ä.txt", "untracked/link"} == set(tree.walk())
    assert _entry("changed") == tree.entry("a.txt")
    assert _entry("new") == tree.entry("untracked/ä.txt")
    assert _entry("../a.txt", "120000") == tree.entry("untracked/link")
    assert _entry("#!") == tree.entry("run.sh")
    assert tree.entry("folder/b.txt") is None
    assert tree.entry("debug.log") is None
    wanted = ["a.txt", "folder/deeper/c.txt", "untracked/ä.txt", "untracked/link", "folder/b.txt", "debug.log"]
    assert {"a.txt": b"changed", "folder/deeper/c.txt": b"three", "untracked/ä.txt": b"new"} == tree.read(wanted)
    assert {"untracked/ä.txt", "untracked/link"} == set(tree.walk("untracked"))


def test_a_clean_file_keeps_the_blob_of_the_index_whatever_filters_made_of_it(history: History) -> None:
    history.commit({".gitattributes": "*.txt text eol=crlf\n", "lines.txt": "x\ny\n"})
    history.check_out()
    assert b"x\r\ny\r\n" == (history.folder / "lines.txt").read_bytes()
    tree = work_tree(open_git(history.folder))
    assert _entry("x\ny\n") == tree.entry("lines.txt")
    assert b"x\ny\n" == tree.read(["lines.txt"])["lines.txt"]


def test_nothing_is_read_through_a_folder_that_has_become_a_link(history: History, tmp_path: Path) -> None:
    history.check_out()
    outside = tmp_path / "outside"
    (outside / "deeper").mkdir(parents=True)
    (outside / "b.txt").write_text("secret")
    (outside / "deeper/c.txt").write_text("secret")
    subprocess.run(["rm", "-r", str(history.folder / "folder")], check=True)
    (history.folder / "folder").symlink_to(outside)
    tree = work_tree(open_git(history.folder))
    assert tree.entry("folder/b.txt") is None
    assert {} == tree.read(["folder/b.txt", "folder/deeper/c.txt"])
    assert "120000" == tree.walk()["folder"].mode
    assert not [path for path in tree.walk() if path.startswith("folder/")]


def test_an_untracked_file_whose_name_looks_like_a_listing_is_only_a_name(history: History) -> None:
    history.check_out()
    name = f"100644 {'0' * 40} 0\ta.txt"
    history.write(name, "x")
    assert _entry("x") == work_tree(open_git(history.folder)).entry(name)


def test_a_worktree_a_subfolder_and_git_dir_lead_to_the_same_files(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.check_out()
    history.git("worktree", "add", "-q", str(tmp_path / "second"), "-b", "second")
    (tmp_path / "second/a.txt").write_text("in the second")
    assert b"in the second" == work_tree(open_git(tmp_path / "second")).read(["a.txt"])["a.txt"]
    assert b"two" == work_tree(open_git(tmp_path / "second/folder")).read(["folder/b.txt"])["folder/b.txt"]
    monkeypatch.setenv("GIT_DIR", str(history.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(history.folder))
    assert b"one" == work_tree(open_git(tmp_path)).read(["a.txt"])["a.txt"]


def test_the_process_that_reads_objects_ends_with_its_repository(history: History) -> None:
    git = open_git(history.folder)
    tree = commit_tree(git, "main")
    reader = git.objects._reader
    assert reader is not None
    process = reader._process
    assert process is not None
    assert process.poll() is None
    del git, tree, reader
    gc.collect()
    assert process.returncode is not None


def test_a_read_that_broke_off_never_shifts_later_answers(history: History) -> None:
    git = open_git(history.folder)
    oids = [blob_oid(text) for text in (b"one", b"two", b"three")]
    assert [b"one", b"two", b"three"] == [item.data for item in git.objects.read(oids) if item]
    with pytest.raises(UnicodeEncodeError):
        git.objects.read([oids[0], "\udcff"])
    reader = git.objects._reader
    assert reader is None
    assert [b"three", b"one"] == [item.data for item in git.objects.read([oids[2], oids[0]]) if item]
    process = git.objects._reader._process  # type: ignore[union-attr]
    process.kill()
    process.wait()
    with pytest.raises((NotMeasured, OSError)):
        git.objects.read(oids)
    assert [b"two"] == [item.data for item in git.objects.read([oids[1]]) if item]


def test_a_missing_blob_is_an_error_that_names_it(history: History) -> None:
    oid = blob_oid(b"two")
    (history.git_dir / "objects" / oid[:2] / oid[2:]).unlink(missing_ok=True)
    for pack in (history.git_dir / "objects/pack").glob("*"):
        pack.unlink()
    for content in ("one",):
        run_git(history.folder, "hash-object", "-w", "--stdin", stdin=content.encode())
    tree = _tree_with(history, oid)
    with pytest.raises(NotMeasured, match=oid):
        tree.read(["b.txt"])


def _tree_with(history: History, oid: str) -> CommitTree:
    made = run_git(history.folder, "mktree", "--missing", stdin=f"100644 blob {oid}\tb.txt\n".encode())
    return CommitTree(open_git(history.folder), made)


def test_the_environment_of_a_hook_does_not_lead_to_another_repository(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = History(tmp_path / "other")
    other.commit({"a.txt": "other"})
    git: Git = open_git(history.folder)
    monkeypatch.setenv("GIT_DIR", str(other.git_dir))
    assert os.environ["GIT_DIR"] not in git.environment.values()
    assert b"one" == commit_tree(git, "main").read(["a.txt"])["a.txt"]


def test_a_file_that_is_too_large_to_mean_anything_is_named_and_not_read(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmops_git.repo.reader.MOST_BYTES", 1000)
    history.commit({"huge.txt": "x" * 1001, "fits.txt": "x" * 1000})
    tree = commit_tree(open_git(history.folder), "main")
    assert {"fits.txt": b"x" * 1000} == tree.read(["fits.txt"])
    with pytest.raises(InvalidInput, match="larger than") as caught:
        tree.read(["a.txt", "huge.txt"])
    assert ["huge.txt"] == [problem.path for problem in caught.value.problems]
    assert {"a.txt": b"one"} == tree.read(["a.txt"])  # what was skipped left the process where it should be


def test_many_files_are_bounded_together(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmops_git.repo.trees.MOST_BYTES_AT_ONCE", 150)
    history.commit({"one.txt": "x" * 100, "two.txt": "y" * 100})
    tree = commit_tree(open_git(history.folder), "main")
    assert 100 == len(tree.read(["one.txt"])["one.txt"])
    with pytest.raises(InvalidInput, match="larger than"):
        tree.read(["one.txt", "two.txt"])


def test_a_huge_file_of_the_work_tree_has_an_id_and_is_not_read(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    history.check_out()
    monkeypatch.setattr("llmops_git.repo.work_tree.MOST_BYTES", 100)
    (history.folder / "huge.txt").write_text("x" * 101)
    tree = work_tree(open_git(history.folder))
    assert _entry("x" * 101) == tree.entry("huge.txt")
    with pytest.raises(InvalidInput, match="larger than"):
        tree.read(["huge.txt"])
