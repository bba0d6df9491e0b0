"""What every command starts from: the repository, the folder of its policy, and trees with their configs."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from llmops_git.errors import InvalidInput, LlmopsError

if TYPE_CHECKING:
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import Config
    from llmops_git.releases.trust import Trust
    from llmops_git.repo.git import Git

# what JSON lets through and a terminal must not see: C1 controls, and marks that reorder or hide text
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")


class Project:
    """A repository and the policy folder the caller stands in. Trees and policies are read once per process."""

    def __init__(self, git: Git, root: str) -> None:
        self.git = git
        self.root = root
        self._trees: dict[str, Tree] = {}
        self._policies: dict[int, tuple[Tree, Policy]] = {}
        self.trusts: dict[tuple[str | None, bool], Trust] = {}  # filled by commands.signing
        self._configs: dict[int, tuple[Tree, dict[str, str]]] = {}

    def tree(self, revision: str | None) -> Tree:
        """The tree of a revision; None is the work tree, or HEAD in a bare repository."""
        from llmops_git.repo.trees import commit_tree, work_tree

        if revision is None and self.git.location.work_tree is not None:
            return work_tree(self.git)
        revision = revision or "HEAD"
        if revision not in self._trees:
            self._trees[revision] = commit_tree(self.git, revision)
        return self._trees[revision]

    def index(self) -> Tree:
        """What is staged. Raises LlmopsError in a bare repository."""
        from llmops_git.repo.trees import index_tree

        if self.git.location.work_tree is None:
            raise LlmopsError("a bare repository has no index", hint="name a commit with --ref")
        return index_tree(self.git)

    def policy(self, tree: Tree) -> Policy:
        """The policy of a tree. Raises InvalidInput."""
        from llmops_git.configs.policy_file import load_policy

        if id(tree) not in self._policies:
            self._policies[id(tree)] = (tree, load_policy(tree, self.root))
        return self._policies[id(tree)][1]

    def configs(self, tree: Tree) -> dict[str, str]:
        """Name -> path of the configs of a tree. Raises InvalidInput when two have the same name."""
        from llmops_git.configs.paths import config_files, named_files

        if id(tree) not in self._configs:
            named, problems = named_files(config_files(tree.walk(), self.policy(tree)))
            if problems:
                raise InvalidInput(problems)
            self._configs[id(tree)] = (tree, named)
        return self._configs[id(tree)][1]

    def load(self, tree: Tree, name_or_path: str) -> Config:
        """A config by its name, or by its path from where the caller stands. Raises InvalidInput."""
        from llmops_git.configs.load import load_config

        return load_config(tree, self.find(tree, name_or_path), self.policy(tree))

    def find(self, tree: Tree, name_or_path: str) -> str:
        """The path of a config. Raises LlmopsError with the nearest names when there is none."""
        from llmops_git.configs.paths import CONFIG_ENDINGS, known_names, suggestion

        if "/" in name_or_path or name_or_path.endswith(CONFIG_ENDINGS):
            path = self.path(name_or_path)
            if tree.entry(path) is None:
                raise LlmopsError(f"{path} is not in {describe_tree(tree)}")
            return path
        named = self.configs(tree)
        if name_or_path not in named:
            hint = suggestion(name_or_path, named) or f"the configs are: {known_names(named)}"
            raise LlmopsError(f"there is no config `{name_or_path}` in {describe_tree(tree)}", hint=hint)
        return named[name_or_path]

    def path(self, typed: str) -> str:
        """The repository-relative path of a path typed by the caller. Raises LlmopsError when it is outside."""
        from llmops_git.configs.paths import join

        work_tree = self.git.location.work_tree
        candidate = PurePosixPath(typed)
        if candidate.is_absolute() and work_tree is not None and candidate.is_relative_to(work_tree.as_posix()):
            return candidate.relative_to(work_tree.as_posix()).as_posix()
        prefix = self.git.location.prefix
        try:
            return join(f"{prefix}/." if prefix else ".", typed)
        except ValueError as error:
            raise LlmopsError(f"{typed}: {error}") from None


def describe_tree(tree: Tree) -> str:
    """What to call a tree in a sentence."""
    names = {"worktree": "the work tree", "index": "the index"}
    return names.get(tree.name, f"commit {tree.name[:12]}")


def open_project(folder: str = ".", extra: Mapping[str, str] | None = None) -> Project:
    """The project around `folder`: its repository, and the nearest folder upwards that holds a policy (or the top).

    Git children get the variables in `extra` besides those of this process.
    """
    from llmops_git.repo.git import open_git
    from llmops_git.repo.project_policy import policy_root

    git = open_git(folder, extra)
    return Project(git, policy_root(git))


def format_option(*forms: str) -> Callable[[Any], Any]:
    """The `--format` option of a reading command (argument `form`); text and json unless told."""
    choices = list(forms or ("text", "json"))
    return click.option(
        "--format", "form", type=click.Choice(choices), default=choices[0], show_default=True, help="Output format."
    )


def emit_json(value: Any) -> None:
    """`value` as JSON on standard output; characters that could act on a terminal are escaped."""
    click.echo(safe_json(value))


def safe_json(value: Any) -> str:
    """JSON for people and programs, in which no character is invisible or acts on a terminal."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    shown = _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
    return shown.replace("##[", "#\\u0023[")  # an old-style workflow command, in a log


def terminal() -> dict[str, Any]:
    """How to draw on standard output: whether colours are welcome, and its width in columns."""
    import os

    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return {"color": color, "width": shutil.get_terminal_size((100, 24)).columns}


def show_error(error: LlmopsError) -> None:
    """The message on standard error, cleaned of control characters, and the hint on its own line."""
    from llmops_git.reports.clean import clean

    click.echo(f"error: {clean(error.message)}", err=True)
    if error.hint:
        click.echo(f"\nhint: {clean(error.hint)}", err=True)
