from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops_git.errors import LlmopsError
from llmops_git.releases.environments import environment_ref, running_configs
from llmops_git.releases.history import history_is_cut, read_history
from llmops_git.releases.registry import read_registry
from llmops_git.repo.fetch import fetch_state
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.refs import remote_with_state
from llmops_git.repo.write import Writer
from tests.releases.release_helpers import make_config, make_release, put, run_git, shadowed

Clone = Callable[..., Git]


def test_releases_come_in_order_of_their_numbers_whatever_the_clock_said(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    git = clone("alice")
    config = make_config()
    for number, date in [
        ("1.0.9", "2026-01-05T00:00:00Z"),
        ("1.0.10", "2020-01-01T00:00:00Z"),
        ("1.0.11", "2020-01-01T00:00:00Z"),
    ]:
        monkeypatch.setenv("GIT_COMMITTER_DATE", date)
        make_release(git, "origin", config, number)
    registry = read_registry(git, remote="origin")
    assert [release.name for release in registry.releases["router"]] == [f"llmops/router/v1.0.{n}" for n in (9, 10, 11)]
    newest = registry.newest("router")
    assert newest is not None
    assert str(newest.tag.version) == "1.0.11"


def test_the_registry_takes_two_processes_for_any_number_of_releases(clone: Clone, shadow_git: Callable[[str], Path]) -> None:
    git = clone("alice")
    for name in ("router", "dates"):
        config = make_config(name)
        for number in ("1.0.0", "1.1.0", "2.0.0"):
            release = make_release(git, "origin", config, number)
        for environment in ("staging", "production"):
            put(git, "origin", environment, config, release)
    folder = shadow_git('echo x >> "$FOLDER/count"')
    registry = read_registry(shadowed(git), remote="origin")
    assert (folder / "count").read_text().count("x") == 2
    assert {name: len(releases) for name, releases in registry.releases.items()} == {"dates": 3, "router": 3}
    assert sorted(registry.environments) == ["production", "staging"]
    assert registry.running("staging", "dates") is not None
    assert registry.evidence


def test_foreign_tags_are_left_alone_and_lightweight_ones_are_reported(clone: Clone) -> None:
    git = clone("alice")
    for name in ("v1.0.0", "llmops/other", "llmops/router/latest", "llmops/router/v1.0.0"):
        run_git(git.folder, "tag", name)
    registry = read_registry(git, remote="origin")
    assert registry.releases == {}
    assert registry.strays == ("llmops/router/v1.0.0",)


def test_one_config_can_be_read_alone(clone: Clone) -> None:
    git = clone("alice")
    make_release(git, "origin", make_config("router"), "1.0.0")
    make_release(git, "origin", make_config("router-two"), "1.0.0")
    assert list(read_registry(git, remote="origin", config="router").releases) == ["router"]


def test_an_empty_repository_has_an_empty_registry(repository: Path) -> None:
    registry = read_registry(open_git(repository), remote=None)
    assert (registry.releases, registry.environments, registry.evidence) == ({}, {}, "")


def test_the_remotes_branch_counts_and_not_a_local_one_of_the_same_name(clone: Clone) -> None:
    alice, bob = clone("alice"), clone("bob")
    config = make_config()
    put(alice, "origin", "production", config, make_release(alice, "origin", config, "1.0.0"))
    fetch_state(bob, "origin")
    run_git(bob.folder, "branch", "--no-track", "llmops/env/production", "origin/llmops/env/production")
    put(alice, "origin", "production", config, make_release(alice, "origin", config, "1.1.0"))
    fetch_state(bob, "origin")
    assert running_configs(bob, "production", remote="origin")["router"].release == "llmops/router/v1.1.0"


def test_without_a_remote_the_local_branch_counts(repository: Path) -> None:
    run_git(repository, "commit", "-q", "--allow-empty", "-m", "first")
    git = open_git(repository)
    config = make_config()
    release = make_release(git, None, config, "1.0.0")
    put(git, None, "production", config, release)
    running = running_configs(git, "production", remote="origin")["router"]
    assert (running.release, running.tag_object, running.digest) == (release.name, release.tag_object, config.digest)


def test_nothing_runs_where_nothing_was_promoted(clone: Clone) -> None:
    assert running_configs(clone("alice"), "production", remote="origin") == {}


def test_a_record_that_cannot_be_read_is_an_error_and_not_silence(clone: Clone) -> None:
    git = clone("alice")
    writer = Writer(git)
    commit = writer.commit(writer.tree(None, {"router.conf": writer.blob(b"[running]\n\trelease = main\n")}), None, "by hand\n")
    run_git(git.folder, "push", "-q", "origin", f"{commit}:refs/heads/llmops/env/production")
    with pytest.raises(LlmopsError, match=r"llmops/env/production:router\.conf: not a record of what runs"):
        running_configs(git, "production", remote="origin")


def test_environment_names_cannot_leave_their_namespace() -> None:
    for name in ("../main", "a/b", "", "Production", "-x", "a.lock", "x\n"):
        with pytest.raises(LlmopsError, match="is not a name for an environment"):
            environment_ref(name)


def test_the_history_is_in_the_order_of_the_branch_whatever_the_clock_said(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = clone("alice")
    config = make_config()
    releases = [make_release(git, "origin", config, number) for number in ("1.0.0", "1.1.0", "1.2.0")]
    for release, date in zip(releases, ("2026-03-01", "2026-01-01", "2026-01-01"), strict=True):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{date}T00:00:00Z")
        put(git, "origin", "production", config, release)
    put(git, "origin", "production", config, releases[0], action="rollback")
    tip = read_registry(git, remote="origin").environments["production"].tip
    history = read_history(git, tip)
    assert [(step.running.action, step.running.release[-6:], step.previous[-6:]) for step in history] == [
        ("promote", "v1.0.0", ""), ("promote", "v1.1.0", "v1.0.0"), ("promote", "v1.2.0", "v1.1.0"), ("rollback", "v1.0.0", "v1.2.0"),
    ]  # fmt: skip
    assert history[-1].commit == tip


def test_a_promotion_merged_by_hand_counts(clone: Clone) -> None:
    git = clone("alice")
    config = make_config()
    first, second = (make_release(git, "origin", config, number) for number in ("1.0.0", "1.1.0"))
    put(git, "origin", "production", config, first)
    put(git, "origin", "proposal", config, second)
    run_git(git.folder, "checkout", "-q", "llmops/env/production")
    run_git(git.folder, "checkout", "-q", "origin/llmops/env/proposal", "--", ".")
    run_git(git.folder, "commit", "-q", "-m", "Promote 1.1.0 (#12)")
    history = read_history(git, git.resolve("HEAD"))
    assert [step.running.release[-6:] for step in history] == ["v1.0.0", "v1.1.0"]
    assert history[-1].actor == "Test"


def test_a_cut_history_is_known_to_be_cut(clone: Clone, bare: Path) -> None:
    alice = clone("alice")
    config = make_config()
    for number in ("1.0.0", "1.1.0"):
        put(alice, "origin", "production", config, make_release(alice, "origin", config, number))
    bob = clone("bob", "--depth=1", "--no-single-branch")
    tip = run_git(bob.folder, "rev-parse", "origin/llmops/env/production")
    assert history_is_cut(bob, tip)
    fetch_state(bob, "origin")
    assert not history_is_cut(bob, tip)


def test_a_deployment_says_who_what_and_why(clone: Clone) -> None:
    git = clone("alice")
    config = make_config()
    first, second = (make_release(git, "origin", config, number) for number in ("1.0.0", "1.1.0"))
    put(git, "origin", "production", config, first)
    done = put(git, "origin", "production", config, second)
    message = run_git(git.folder, "log", "-1", "--format=%B", done.commit)
    note = second.note
    assert note is not None
    assert message.split("\n") == [
        "promote router v1.1.0 to production",
        "",
        "Action: promote",
        "Environment: production",
        "Config: router",
        f"Release: llmops/router/v1.1.0 {second.tag_object}",
        f"From: llmops/router/v1.0.0 {first.tag_object}",
        "Actor: Test",
        f"Evidence: {note.evidence}",
    ]
    assert run_git(git.folder, "ls-tree", "--name-only", done.commit).split() == ["router.conf", "router.json"]


def test_git_itself_reads_a_record(clone: Clone) -> None:
    git = clone("alice")
    config = make_config()
    release = make_release(git, "origin", config, "1.0.0")
    done = put(git, "origin", "production", config, release)
    name = f"{done.commit}:router.conf"
    assert run_git(git.folder, "config", "--blob", name, "running.tag-object") == release.tag_object
    assert run_git(git.folder, "config", "--blob", name, "running.bundle") == run_git(
        git.folder, "rev-parse", f"{done.commit}:router.json"
    )


def test_two_remotes_with_environments_are_not_guessed_between(clone: Clone, bare: Path, tmp_path: Path) -> None:
    git = clone("alice")
    config = make_config()
    put(git, "origin", "production", config, make_release(git, "origin", config, "1.0.0"))
    assert remote_with_state(git) == "origin"
    fork = tmp_path / "fork.git"
    subprocess.run(["git", "clone", "-q", "--mirror", str(bare), str(fork)], check=True)
    run_git(git.folder, "remote", "add", "fork", str(fork))
    run_git(git.folder, "fetch", "-q", "fork")
    with pytest.raises(LlmopsError, match="the remotes fork, origin all have environments"):
        remote_with_state(git)
