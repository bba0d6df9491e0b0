"""Several projects in one repository: they share its tags, so each has to know which releases are its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from llmops_git.commands.project import Project
from llmops_git.configs.policy import POLICY_FILE
from llmops_git.errors import LlmopsError, NotMeasured

if TYPE_CHECKING:
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import Config
    from llmops_git.releases.values import Release


def neighbours(project: Project, tree: Tree) -> Iterator[Project]:
    """The other projects of a tree: one for each other folder with a policy."""
    for path in sorted(tree.walk()):
        folder, _, name = path.rpartition("/")
        if name == POLICY_FILE and folder != project.root:
            yield Project(project.git, folder)


def released_config(project: Project, release: Release) -> Config:
    """The config of a release: this project's at its commit, or that of whichever other project of that commit has the digest
    that the tag names (another one, or this one before it was moved). Raises what loading this project's own raises."""
    return config_at(project, release.commit, release.tag.config, release.digest)


def config_at(project: Project, commit: str, name: str, digest: str) -> Config:
    """The config `name` of a commit that has this digest, as `released_config`."""
    tree = project.tree(commit)
    own: Config | None = None
    wrong: LlmopsError | None = None
    try:
        own = project.load(tree, name)
    except NotMeasured:
        raise
    except LlmopsError as error:
        wrong = error
    if own is None or own.digest != digest:
        for other in neighbours(project, tree):
            found = _config_or_none(other, tree, name)
            if found is not None and found.digest == digest:
                return found
    if own is None:
        assert wrong is not None  # noqa: S101  # it is one or the other
        raise wrong
    return own


def names_of_neighbours(project: Project, tree: Tree) -> dict[str, str]:
    """Configs of other projects in a tree, where this project has none of that name: name -> folder."""
    claimed = claims(project, tree)
    try:
        own = project.configs(tree) if claimed else {}
    except LlmopsError:  # whoever needs them says so
        return {}
    return {name: folder for name, folder in claimed.items() if name not in own}


def owner_of(project: Project, release: Release, claimed: Mapping[str, str]) -> str | None:
    """The folder of another project that made this release and still has a config of that name; None: it is ours."""
    folder = claimed.get(release.tag.config)
    if folder is None:
        return None
    at = project.tree(release.commit)
    own = _config_or_none(project, at, release.tag.config)
    if own is not None and own.digest == release.digest:
        return None
    other = _config_or_none(Project(project.git, folder), at, release.tag.config)
    return folder if other is not None and other.digest == release.digest else None


def claims(project: Project, tree: Tree) -> dict[str, str]:
    """What the other projects of a tree call their configs: name -> folder."""
    found: dict[str, str] = {}
    for other in neighbours(project, tree):
        try:
            names = other.configs(tree)
        except LlmopsError:
            continue
        for name in names:
            found.setdefault(name, other.root)
    return found


def _config_or_none(project: Project, tree: Tree, name: str) -> Config | None:
    try:
        return project.load(tree, name)
    except NotMeasured:
        raise
    except LlmopsError:
        return None
