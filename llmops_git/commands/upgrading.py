"""Plans and measures an upgrade of pins: which configs, which edits, what the models answer before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from pathlib import Path

    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Evaluated, Settings
    from llmops_git.configs.pin_edit import PinEdit
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.upgrade import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """An upgrade that may be made: the edits, and the names of the configs (paths of judges) that they are in."""

    wanted: Wanted
    edits: tuple[PinEdit, ...]
    names: tuple[str, ...]

    @property
    def files(self) -> dict[str, bytes]:
        return {edit.path: edit.data for edit in self.edits}


def plan_upgrade(project: Project, tree: Tree, wanted: Wanted, *, folder: Path | None = None) -> Upgrade:
    """The edits that `wanted` asks for in a tree; with `folder`, of the files on disk there.

    Raises InvalidInput for a config that cannot be loaded or edited, LlmopsError for a pin that may not be.
    """
    from llmops_git.configs.load import load_config
    from llmops_git.configs.paths import config_name
    from llmops_git.configs.upgrade import edits_of

    policy = project.policy(tree)
    paths = _chosen(project, tree, wanted)
    kinds = {path: load_config(tree, path, policy).kind for path in paths}
    contents = {path: (folder / path).read_bytes() for path in paths} if folder else dict(tree.read(paths))
    edits = edits_of(contents, policy, model=wanted.model, provider=wanted.provider)
    for edit in edits:
        _require_known_model(policy, edit)
    names = tuple(edit.path if kinds[edit.path] == "judge" else config_name(edit.path) for edit in edits)
    return Upgrade(wanted=wanted, edits=edits, names=names)


def _chosen(project: Project, tree: Tree, wanted: Wanted) -> list[str]:
    from llmops_git.configs.paths import config_files
    from llmops_git.configs.upgrade import pinned_to

    if not wanted.old:
        return list(dict.fromkeys(project.find(tree, name) for name in wanted.configs))
    files = config_files(tree.walk(), project.policy(tree))
    if wanted.configs:
        among = {project.find(tree, name) for name in wanted.configs}
        files = [path for path in files if path in among]
    found = pinned_to(tree.read(files), wanted.old)
    if not found:
        raise LlmopsError(f"no config is pinned to `{wanted.old}`", hint="llmops-git check shows pins that are retired soon")
    return list(found)


def _require_known_model(policy: Policy, edit: PinEdit) -> None:
    """Raises LlmopsError for a model that the provider in this process does not have."""
    from llmops_git.commands.check import unknown_model

    message, hint = unknown_model(policy.providers[edit.provider], edit.model)
    if message:
        raise LlmopsError(message, hint=hint)


def evaluate_upgrade(
    project: Project, upgrade: Upgrade, *, base: str, head: str | None, policy: Policy, settings: Settings
) -> Evaluated:
    """Evaluate what the edits reach, from the commit `base` to `head` (None: the work tree), and against production."""
    from llmops_git.commands.candidates import candidates_of
    from llmops_git.commands.evaluate import evaluate_candidates
    from llmops_git.repo.changes import compute_changes

    changes = compute_changes(project.git, base, head, root=project.root)
    edited = {edit.path for edit in upgrade.edits}
    reached = [change.config for change in changes.changes if any(edited.intersection(chain) for chain in change.because)]
    candidates = candidates_of(project, changes, names=reached, policy=policy, environment=None) if reached else ()
    return evaluate_candidates(
        candidates, policy=policy, settings=settings, base=changes.base_oid, head=changes.head_name, total=changes.total_configs
    )


def write_edits(folder: Path, upgrade: Upgrade) -> None:
    """Write the edited files below `folder`. Raises LlmopsError."""
    for path, data in upgrade.files.items():
        try:
            (folder / path).write_bytes(data)
        except OSError as error:
            raise LlmopsError(f"{path} could not be written: {error.strerror}") from None


def settings_of(project: Project, policy: Policy) -> Settings:
    """How to run: replies that were paid for are used again, and what releases measured counts as a base's run."""
    from llmops_git.commands.evaluate import known_from_releases, replies_folder
    from llmops_git.commands.showing import show_plan
    from llmops_git.commands.trial import Settings

    return Settings(replies=replies_folder(project), released=known_from_releases(project, policy), on_plan=show_plan)
