from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops_git.repo.git import Git, open_git
from llmops_git.repo.objects import ObjectReader, read_objects, tree_entries
from llmops_git.repo.write import Writer
from tests.releases.release_helpers import run_git, shadowed


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_trees_are_read_as_git_lists_them(tmp_path: Path, object_format: str) -> None:
    subprocess.run(["git", "init", "-q", f"--object-format={object_format}", str(tmp_path / "r")], check=True)
    git = open_git(tmp_path / "r")
    writer = Writer(git)
    blob = writer.blob(b"text")
    tree = writer.tree(None, {"b.json": blob, "a/x.json": blob, "with space\tand tab": blob})
    (found,) = read_objects(git, [tree])
    assert found is not None
    listed = run_git(git.folder, "ls-tree", "-z", tree).split("\0")
    assert [f"{entry.mode.zfill(6)} {entry.oid}\t{entry.name}" for entry in tree_entries(found.data, object_format)] == [
        line.replace(" blob ", " ").replace(" tree ", " ") for line in listed if line
    ]


def test_many_large_objects_do_not_block_the_pipes(repository: Path) -> None:
    git = open_git(repository)
    writer = Writer(git)
    blobs = [writer.blob(bytes([number]) * 200_000) for number in range(3)]
    found = read_objects(git, blobs * 150)
    assert [None if item is None else item.oid for item in found] == blobs * 150


def test_what_is_not_there_is_none_and_the_next_is_still_found(repository: Path) -> None:
    git = open_git(repository)
    blob = Writer(git).blob(b"x\n\0y")
    with ObjectReader(git) as reader:
        found = reader.read(["0" * 40, "no such thing", blob, "HEAD:nothing 12"])
        assert [item and item.data for item in found] == [None, None, b"x\n\0y", None]
        assert [item and item.kind for item in reader.read([blob])] == ["blob"]


def test_nothing_to_read_starts_no_process(repository: Path, shadow_git: Callable[[str], Path]) -> None:
    git = open_git(repository)
    folder = shadow_git(': > "$FOLDER/ran"')
    assert read_objects(shadowed(git), []) == []
    assert not (folder / "ran").exists()


def test_a_tree_keeps_what_it_is_not_told_to_change(clone: Callable[..., Git]) -> None:
    git = clone("alice")
    writer = Writer(git)
    (git.folder / "staged").write_text("mine")
    run_git(git.folder, "add", "staged")
    commit = writer.commit(writer.tree("HEAD", {"new/file": writer.blob(b"x")}), "HEAD", "add\n")
    assert run_git(git.folder, "ls-tree", "-r", "--name-only", commit).split() == ["README.md", "new/file"]
    assert run_git(git.folder, "status", "--porcelain") == "A  staged"
