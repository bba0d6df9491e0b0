"""What to compare with is decided where the default branch is, not by the change."""

from __future__ import annotations

from pathlib import Path

import pytest
from history import History, run_git

from llmops_git.configs.policy import Policy
from llmops_git.configs.tree import DictTree
from llmops_git.errors import LlmopsError
from llmops_git.repo.bases import nearest_policy, trusted_base
from llmops_git.repo.git import Git, open_git

POLICY = "version: 1\ndefault_branch: {}\n"


@pytest.fixture
def origin(tmp_path: Path) -> History:
    made = History(tmp_path / "origin")
    made.commits([{"a": str(number)} for number in range(3)])
    return made


def clone(origin: History, policy: str = "") -> Git:
    """A clone on a branch with one commit of its own."""
    folder = origin.folder.parent / "clone"
    run_git(origin.folder.parent, "clone", "-q", origin.folder.as_uri(), str(folder))
    run_git(folder, "checkout", "-q", "-b", "topic")
    (folder / "llmops.yaml").write_text(policy or "version: 1\n")
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-q", "-m", "x")
    return open_git(folder)


def test_a_branch_that_the_change_names_does_not_count(origin: History) -> None:
    git = clone(origin, POLICY.format("topic"))
    assert origin.tip("main") == trusted_base(git, None, Policy(default_branch="topic"))


def test_a_branch_that_the_default_branch_names_does(origin: History) -> None:
    origin.git("branch", "develop", "main~1")
    origin.commit({"llmops.yaml": POLICY.format("develop")})
    git = clone(origin)
    assert origin.tip("develop") == trusted_base(git, None, Policy())


def test_without_an_origin_the_own_policy_is_all_there_is(origin: History) -> None:
    origin.git("branch", "trunk", "main~1")
    assert origin.tip("trunk") == trusted_base(open_git(origin.folder), "main", Policy(default_branch="trunk"))


def test_a_policy_that_cannot_be_read_any_more_leaves_the_branch_of_the_remote(origin: History) -> None:
    origin.commit({"llmops.yaml": "configs: 3\n"})
    git = clone(origin, POLICY.format("topic"))
    assert origin.tip("main") == trusted_base(git, None, Policy(default_branch="topic"))


@pytest.mark.parametrize(
    "name", ["main~1", "main^{commit}", "a..b", "@{-1}", ":main", "main\\x", "/main", "main.lock", "-main"]
)
def test_a_name_that_git_would_evaluate_is_no_name(origin: History, name: str) -> None:
    for policy in (Policy(default_branch=name), Policy(remote=name, default_branch="main")):
        with pytest.raises(LlmopsError, match="is no name of a remote or a branch"):
            trusted_base(open_git(origin.folder), "main", policy)


def test_the_nearest_policy_upwards_counts() -> None:
    tree = DictTree({"llmops.yaml": "", "app/llmops.yaml": "", "other/a": ""})
    found = [nearest_policy(tree, prefix) for prefix in ("app/deep/er", "app", "other", "")]
    assert ["app", "app", "", ""] == found
    assert nearest_policy(DictTree({"a": ""}), "app") is None
