"""Prints how many configs differ between two commits, and the ids of the blobs that a diff without any index has to look at.

    python bench/diff/needed.py REPOSITORY BASE HEAD

These are all files with references at the head (configs, judges, templates), and all that the changed configs read on
both sides.
"""

from __future__ import annotations

import sys

from llmops_git.configs.closure import Closures
from llmops_git.configs.paths import config_files
from llmops_git.configs.policy import Policy
from llmops_git.configs.references import syntax_of
from llmops_git.repo.changes import compute_changes
from llmops_git.repo.git import open_git
from llmops_git.repo.trees import commit_tree


def main(repository: str, base: str, head: str) -> None:
    git = open_git(repository)
    tree = commit_tree(git, head)
    paths = config_files(tree.walk(), Policy())
    closures = Closures(tree)
    closures.prepare(paths)
    oids = {item.oid: None for path in paths for item in closures.of(path).dependencies if syntax_of(item.role)}
    changes = compute_changes(git, base, head).changes
    sides = [config for change in changes for config in (change.base, change.head) if config is not None]
    oids |= {item.oid: None for config in sides for item in config.closure}
    print(len(changes), *oids, sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
