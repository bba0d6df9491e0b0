"""Runs git for reading: bytes in, bytes out, a fixed number of processes, never a shell.

Writing goes through `repo.publish`. Revisions given by users are resolved once by `resolve`, which cannot be fooled by a
revision that looks like an option.
"""

from __future__ import annotations

import os
import subprocess
import weakref
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from llmops_git.errors import LlmopsError, NotMeasured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmops_git.repo.reader import Objects

# Variables that say *which* repository: read once by `open_git`, then dropped so that no child can disagree with it.
_LOCATING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_CEILING_DIRECTORIES")
# What git and its helpers, filters and hooks have no use for: keys of models by their usual name, and the token as the Action
# hands it over.
_SECRET = ("_API_KEY", "LLMOPS_TOKEN")
# A folder that looks like a repository is one to git, its configuration included, and that can name programs to run.
_NOT_BY_LOOKS = ("-c", "safe.bareRepository=explicit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a repository is. `work_tree` is None in a bare one; `prefix` is the caller's folder inside it ("" or "a/b")."""

    git_dir: Path
    common_dir: Path
    work_tree: Path | None
    prefix: str
    shallow: bool
    object_format: str  # sha1 | sha256


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: bytes
    err: str


class Git:
    """Runs git in one repository."""

    def __init__(self, location: Location, environment: dict[str, str]) -> None:
        self.location = location
        self.environment = environment
        self.present: set[str] = set()  # partial clones only: objects known to be here

    def command(self, *arguments: str) -> list[str]:
        place = [f"--git-dir={self.location.git_dir}"]
        if self.location.work_tree is not None:
            place.append(f"--work-tree={self.location.work_tree}")
        return ["git", *place, *arguments]

    @property
    def folder(self) -> Path:
        return self.location.work_tree or self.location.git_dir

    @cached_property
    def promisor(self) -> str:
        """The remote that keeps what a partial clone left out; "" in a complete clone."""
        from llmops_git.repo.partial import promisor_remote

        return promisor_remote(self)

    @cached_property
    def objects(self) -> Objects:
        """Objects by name, from one process that ends with this value (or with the interpreter)."""
        from llmops_git.repo.reader import Objects

        objects = Objects(Git(self.location, self.environment))  # not `self`: what the finalizer holds must not hold us
        weakref.finalize(self, objects.close)
        return objects

    def try_run(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run git and give back what happened, whatever it was."""
        done = subprocess.run(  # noqa: S603
            self.command(*arguments), input=stdin, capture_output=True, env=self.environment, cwd=self.folder, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run git; its standard output. Raises NotMeasured when git fails."""
        result = self.try_run(*arguments, stdin=stdin)
        if result.code:
            raise NotMeasured(f"git {arguments[0]} failed: {result.err.strip() or f'exit code {result.code}'}")
        return result.out

    def run_between(self, source: IO[bytes], target: IO[bytes], *arguments: str) -> None:
        """Run git from one file into another, which costs less than pipes. Raises NotMeasured when git fails."""
        done = subprocess.run(  # noqa: S603
            self.command(*arguments),
            stdin=source,
            stdout=target,
            stderr=subprocess.PIPE,
            env=self.environment,
            cwd=self.folder,
            check=False,
        )
        if done.returncode:
            message = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
            raise NotMeasured(f"git {arguments[0]} failed: {message}")

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a long-running git with pipes; the caller closes it."""
        return subprocess.Popen(  # noqa: S603
            self.command(*arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environment,
            cwd=self.folder,
        )

    def resolve(self, revision: str) -> str:
        """The commit id of a revision. Raises LlmopsError when there is none."""
        result = self.try_run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if result.code:
            from llmops_git.repo.commits import missing_commit

            raise missing_commit(self, revision)
        return result.out.decode().strip()


def nothing_committed() -> LlmopsError:
    """The error for a HEAD that names no commit yet, which no fetch would mend."""
    hint = "git commit, or git switch to a branch that has commits"
    return LlmopsError("`HEAD` is not a commit in this repository: nothing is committed on its branch yet", hint=hint)


def blanked_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that `clean_environment` leaves out because of their secrets, as empty ones."""
    return {name: "" for name in environment if name.endswith(_SECRET)}


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for git children: no locating variables, no keys, no prompts, no locale, no optional locks."""
    kept = {name: value for name, value in environment.items() if name not in _LOCATING and not name.endswith(_SECRET)}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


_QUESTIONS = (
    "--is-bare-repository", "--is-shallow-repository", "--show-object-format", "--git-common-dir", "--absolute-git-dir",
)  # fmt: skip


def _described(folder: str | os.PathLike[str], environment: Mapping[str, str], *options: str) -> Result:
    """What git says of the repository around a folder. Raises NotMeasured where there is no git."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *options, "rev-parse", *_QUESTIONS, "--show-prefix", "--show-toplevel"],  # noqa: S607
            capture_output=True, env={**clean_environment(environment), **_located(environment)}, cwd=folder, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise NotMeasured("git is not installed or not on PATH") from None
    return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def _located(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in _LOCATING if name in environment}


def _refuse_planted(done: Result, environment: Mapping[str, str]) -> None:
    """Raises LlmopsError for a bare repository that lies among the files of another one: anybody who can change a file there
    can make one, and git would run what its configuration says."""
    git_dir = Path(os.fsdecode(done.out).split("\n")[len(_QUESTIONS) - 1])
    if git_dir.name == ".git":
        return
    around = _described(git_dir.parent, environment, *_NOT_BY_LOOKS)
    if around.code == 0:
        raise LlmopsError(
            f"{git_dir} looks like a bare repository, and lies among the files of another repository",
            hint=f"delete it; where it is yours: GIT_DIR={git_dir} llmops-git …",
        )


def open_git(folder: str | os.PathLike[str] = ".", extra: Mapping[str, str] | None = None) -> Git:
    """The repository around `folder`, honouring GIT_DIR and GIT_WORK_TREE as git itself does.

    Its git children get the variables in `extra` besides those of this process.
    """
    environment = {**os.environ, **(extra or {})}
    done = _described(folder, environment, *_NOT_BY_LOOKS)
    if done.code and "bare repository" in done.err:
        done = _described(folder, environment)
        _refuse_planted(done, environment)
    lines = done.out.decode(errors="surrogateescape").split("\n")
    if len(lines) <= len(_QUESTIONS):
        raise LlmopsError(_why_not(done.err), hint="git init")
    bare, shallow, object_format, common, git_dir = lines[: len(_QUESTIONS)]
    rest = lines[len(_QUESTIONS) :]
    work_tree = None if bare == "true" or done.code else Path(rest[1])
    location = Location(
        git_dir=Path(git_dir),
        common_dir=Path(folder, common).resolve(),
        work_tree=work_tree,
        prefix=rest[0].rstrip("/") if work_tree else "",
        shallow=shallow == "true",
        object_format=object_format,
    )
    return Git(location, clean_environment(environment))


def _why_not(stderr: str) -> str:
    if "dubious ownership" in stderr:
        return f"git refuses this repository: {stderr.strip()}"
    return "not inside a git repository"
