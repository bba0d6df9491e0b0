"""A bare repository of the hub, worked on with git's own plumbing under an environment of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import fakehub.githook

Content = str | bytes
File = Content | tuple[str, Content]  # with a mode: ("120000", "../target") is a symbolic link

# who may push is decided before git is asked; refs/pull can be read and nobody may push to it
_CONFIG = """[core]
\trepositoryformatversion = 0
\tbare = true
[http]
\treceivepack = true
[receive]
\thideRefs = refs/pull
\tautogc = false
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[gc]
\tauto = 0
"""


def environment(**more: str) -> dict[str, str]:
    """The environment of every git process of the hub: nothing of the developer's or the test's git settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in _HUB.items()}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C", **who, **more}


_HUB = {"NAME": "Hub", "EMAIL": "noreply@hub.example", "DATE": "2026-01-02T03:04:05Z"}


class GitStore:
    """Methods raise subprocess.CalledProcessError where git refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, default_branch: str) -> GitStore:
        """What `git init --bare` makes, without starting a process: every test has a hub."""
        for name in ("objects", "refs", "hooks"):
            (folder / name).mkdir(parents=True)
        (folder / "HEAD").write_text(f"ref: refs/heads/{default_branch}\n", encoding="utf-8")
        (folder / "config").write_text(_CONFIG, encoding="utf-8")
        hook = folder / "hooks" / "pre-receive"
        command = [sys.executable, "-I", "-S", fakehub.githook.__file__]
        hook.write_text(f"#!/bin/sh\nexec {shlex.join(command)}\n", encoding="utf-8")
        hook.chmod(0o755)
        return cls(folder)

    def fork(self, folder: Path, default_branch: str) -> GitStore:
        """A copy of the branches and tags, as pressing the button does."""
        store = GitStore.create(folder, default_branch)
        store.run("fetch", "-q", str(self.folder), "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")
        return store

    def run(self, *arguments: str, stdin: str | None = None, **more: str) -> str:
        command = ["git", "--git-dir", str(self.folder), *arguments]
        done = subprocess.run(command, check=True, input=stdin, capture_output=True, text=True, env=environment(**more))
        return done.stdout.strip()

    def oid(self, name: str, kind: str = "commit") -> str:
        """The object that a name stands for, "" when there is none of this kind."""
        try:
            return self.run("rev-parse", "-q", "--verify", "--end-of-options", f"{name}^{{{kind}}}")
        except subprocess.CalledProcessError:
            return ""

    def branch(self, name: str) -> str:
        return self.oid(f"refs/heads/{name}")

    def refs(self, prefix: str) -> list[tuple[str, str, str]]:
        """(full name, object id, object type) of the refs whose name starts so, in order."""
        lines = self.run("for-each-ref", "--format=%(refname) %(objectname) %(objecttype)").splitlines()
        return [(name, oid, kind) for name, oid, kind in map(str.split, lines) if name.startswith(prefix)]

    def update(self, ref: str, new: str, old: str | None = None) -> None:
        self.run("update-ref", ref, new, *([old] if old is not None else []))

    def delete(self, ref: str) -> None:
        self.run("update-ref", "-d", ref)

    def is_ancestor(self, old: str, new: str) -> bool:
        try:
            self.run("merge-base", "--is-ancestor", old, new)
        except subprocess.CalledProcessError:
            return False
        return True

    def fetch(self, other: GitStore, oid: str) -> None:
        """Bring a commit of another repository of the hub here."""
        if other.folder == self.folder:
            return
        self.run("fetch", "-q", "--no-tags", "--no-write-fetch-head", str(other.folder), oid)

    def commit(self, branch: str, files: Mapping[str, File | None], message: str, start: str = "") -> str:
        """A commit on a branch with some files changed; None deletes one. A new branch begins at `start`. Returns the id."""
        parent = start or self.branch(branch)
        text = message.encode()
        lines = [f"commit refs/heads/{branch}\nmark :1\ncommitter {_HUB['NAME']} <{_HUB['EMAIL']}> 1767323045 +0000\n".encode()]
        lines.append(b"data %d\n%b\n" % (len(text), text))
        if parent:
            lines.append(f"from {parent}\n".encode())
        for path, content in files.items():
            lines.append(f"D {_quoted(path)}\n".encode() if content is None else _inline(path, content))
        command = ["git", "--git-dir", str(self.folder), "fast-import", "--quiet", "--force"]
        stream = b"".join([*lines, b"\nget-mark :1\ndone\n"])
        done = subprocess.run(command, input=stream, check=True, capture_output=True, env=environment())
        return done.stdout.decode().strip()

    def commit_tree(self, tree: str, message: str, *parents: str) -> str:
        return self.run("commit-tree", tree, *(part for parent in parents for part in ("-p", parent)), "-F", "-", stdin=message)

    def merge(self, ours: str, theirs: str, message: str) -> str:
        """A merge commit, "" when there are conflicts."""
        tree = self._merged_tree(ours, theirs)
        return self.commit_tree(tree, message, ours, theirs) if tree else ""

    def squash(self, ours: str, theirs: str, message: str) -> str:
        tree = self._merged_tree(ours, theirs)
        return self.commit_tree(tree, message, ours) if tree else ""

    def rebase(self, ours: str, theirs: str) -> str:
        """The commits of theirs on top of ours, "" when there are conflicts."""
        with tempfile.TemporaryDirectory() as scratch:
            place = str(Path(scratch) / "tree")
            self.run("worktree", "add", "-q", "--detach", place, theirs)
            try:
                command = ["git", "-C", place, "-c", "core.bare=false", "rebase", "-q", "--force-rebase", ours]
                done = subprocess.run(command, capture_output=True, check=False, env=environment())
                return (
                    self.run("--work-tree", place, "rev-parse", f"worktrees/{Path(place).name}/HEAD")
                    if not done.returncode
                    else ""
                )
            finally:
                self.run("worktree", "remove", "--force", place)

    def _merged_tree(self, ours: str, theirs: str) -> str:
        try:
            return self.run("merge-tree", "--write-tree", "--allow-unrelated-histories", ours, theirs).splitlines()[0]
        except subprocess.CalledProcessError:
            return ""


def _inline(path: str, content: File) -> bytes:
    mode, content = content if isinstance(content, tuple) else ("100644", content)
    data = content.encode() if isinstance(content, str) else content
    return b"M %b inline %b\ndata %d\n%b\n" % (mode.encode(), _quoted(path).encode(), len(data), data)


def _quoted(path: str) -> str:
    """As git fast-import reads it: a line break or a quote in a name is no line of the stream."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
