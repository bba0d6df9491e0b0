"""Partial clones: the blobs that are needed are fetched in one fetch, not one by one as git would do by itself."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.errors import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmops_git.repo.git import Git

_PROMISOR = re.compile(r"remote\.(.*)\.promisor\n(?:true|yes|on|1)?\Z", re.DOTALL)


def fetch_missing(git: Git, oids: Iterable[str]) -> int:
    """Fetch those of these blobs that a partial clone left at its remote, all in one fetch; how many there were.

    In a complete clone this costs one look into its configuration file. Raises NotMeasured when the remote cannot be asked.
    """
    remote = git.promisor
    if not remote:
        return 0
    asked = [oid for oid in oids if oid not in git.present]
    missing = missing_objects(git, asked)
    if missing:
        # as git's own lazy fetch does it: no negotiation, nothing but these objects, no trace in FETCH_HEAD
        options = ("--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none")
        names = "".join(f"{oid}\n" for oid in missing).encode()
        quiet = ("-c", "fetch.negotiationAlgorithm=noop")
        result = git.try_run(*quiet, "fetch", "--quiet", remote, *options, "--stdin", stdin=names)
        if result.code:
            raise NotMeasured(
                f"this is a partial clone, and {len(missing)} files could not be fetched from `{remote}`: {result.err.strip()}",
                hint=f"git fetch --refetch --no-filter {remote}",
            )
    git.present.update(asked)
    return len(missing)


def promisor_remote(git: Git) -> str:
    """The remote that keeps what this clone left out; "" in a complete clone."""
    if not _may_be_partial(git):
        return ""
    # -z: `key\nvalue\0`
    for setting in (
        git.try_run("config", "-z", "--get-regexp", r"^remote\..*\.promisor$").out.decode(errors="replace").split("\0")
    ):
        match = _PROMISOR.match(setting)
        if match:
            return match[1]
    return ""


def missing_objects(git: Git, oids: Iterable[str]) -> list[str]:
    """Those of these objects that are not in this clone, without letting git fetch them.

    Every way to ask git inside a partial clone fetches what is asked for (`GIT_NO_LAZY_FETCH` is younger than the gits in
    use), so the question is put to an empty repository that borrows this one's objects and knows of no remote.
    """
    import tempfile

    from llmops_git.repo.git import Git

    wanted = list(dict.fromkeys(oids))
    if not wanted:
        return []
    with tempfile.TemporaryDirectory(prefix="llmops-git-") as folder:
        empty = Path(folder)
        (empty / "refs").mkdir()
        (empty / "objects" / "info").mkdir(parents=True)
        (empty / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
        (empty / "config").write_text(_config(git.location.object_format), encoding="utf-8")
        borrowed = git.location.common_dir / "objects"
        (empty / "objects" / "info" / "alternates").write_bytes(str(borrowed).encode(errors="surrogateescape") + b"\n")
        names = "".join(f"{oid}\n" for oid in wanted).encode()
        borrower = Git(replace(git.location, git_dir=empty, common_dir=empty, work_tree=None), git.environment)
        answer = borrower.run("cat-file", "--batch-check", stdin=names).decode()
    return [oid for oid, line in zip(wanted, answer.splitlines(), strict=True) if line.endswith(" missing")]


def _may_be_partial(git: Git) -> bool:
    """Whether the repository's own configuration speaks of a promisor: clone writes it there."""
    common = git.location.common_dir
    for file in (common / "config", git.location.git_dir / "config.worktree"):
        try:
            text = file.read_bytes()
        except OSError:
            continue
        if b"promisor" in text.lower():
            return True
    return False


def _config(object_format: str) -> str:
    extension = "" if object_format == "sha1" else f"[extensions]\n\tobjectFormat = {object_format}\n"
    return f"[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n{extension}"
