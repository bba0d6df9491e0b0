from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from llmops_git.configs.values import Config
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.releases.levels import Level
from llmops_git.releases.registry import read_registry
from llmops_git.releases.seen import load_seen, require_unrewritten, save_seen, seen_file, tips_of
from llmops_git.releases.values import Registry, Release
from llmops_git.releases.verify import check_chain, check_digests, check_tags
from llmops_git.releases.verify_evidence import check_evidence
from llmops_git.releases.verify_places import check_deployments, check_history, check_remote
from llmops_git.repo.fetch import Tampered, fetch_state
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.objects import read_objects
from llmops_git.repo.publish import Update, publish
from llmops_git.repo.write import Writer
from tests.releases.release_helpers import make_config, make_evidence, make_release, no_wait, put, run_git

Clone = Callable[..., Git]
Three = tuple[Git, list[Config], list[Release]]


def state(git: Git) -> Registry:
    return read_registry(git, remote="origin")


def all_of(registry: Registry) -> list[Release]:
    return [release for releases in registry.releases.values() for release in releases]


def tags(registry: Registry) -> Level:
    return check_tags(all_of(registry), registry.strays)


def chain(registry: Registry, *, shallow: bool = False) -> Level:
    return check_chain(registry.releases, shallow=shallow)


def evidence(git: Git) -> Level:
    registry = state(git)
    return check_evidence(all_of(registry), lambda names: read_objects(git, names), registry.evidence)


def outcome(level: Level) -> tuple[str, str]:
    return level.state, "\n".join(level.findings)


def move_tag(git: Git, bare: Path, release: Release, message: str = "moved\n") -> str:
    """An attacker's forced push of another tag object under a release's name; its id."""
    oid = Writer(git).tag(release.name, git.resolve("HEAD"), message)
    run_git(git.folder, "push", "-q", "--force", "origin", f"{oid}:{release.tag.ref}")
    return oid


_TEMPLATE: list[Path] = []


@pytest.fixture
def three(clone: Clone, bare: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Three:
    """A clone with three releases of one config, the last of which runs in production. Made once, then copied."""
    configs = [make_config(text=text) for text in ("One.", "Two.", "Three.")]
    if not _TEMPLATE:
        git = clone("alice")
        releases = [make_release(git, "origin", config, f"1.0.{n}") for n, config in enumerate(configs)]
        for config, release in zip(configs, releases, strict=True):
            put(git, "origin", "production", config, release)
        folder = tmp_path_factory.mktemp("three")
        shutil.copytree(bare, folder / "remote.git")
        shutil.copytree(git.folder, folder / "alice")
        _TEMPLATE.append(folder)
    else:
        shutil.copytree(_TEMPLATE[0] / "remote.git", bare, dirs_exist_ok=True)
        shutil.copytree(_TEMPLATE[0] / "alice", tmp_path / "alice")
        run_git(tmp_path / "alice", "remote", "set-url", "origin", bare.as_uri())
    git = open_git(tmp_path / "alice")
    return git, configs, list(state(git).releases["router"])


def test_an_honest_repository_holds_at_every_level(three: Three) -> None:
    git, configs, _ = three
    registry = state(git)
    by_digest = {config.digest: config for config in configs}
    levels = [
        tags(registry), chain(registry), evidence(git), check_deployments(git, registry, None),
        check_digests(all_of(registry), lambda release: by_digest[release.digest]),
        check_remote(git, "origin", registry, all_of(registry)), check_history(git, "origin", registry),
    ]  # fmt: skip
    assert [outcome(level) for level in levels] == [("held", "")] * 7
    assert [level.checked for level in levels[:4]] == [3, 3, 3, 3]


def test_a_signed_tag_object_under_another_name_is_a_replay(three: Three) -> None:
    git, _, releases = three
    run_git(git.folder, "update-ref", "refs/tags/llmops/router/v1.0.3", releases[0].tag_object)
    assert outcome(tags(state(git))) == (
        "failed",
        "llmops/router/v1.0.3 holds the tag object of llmops/router/v1.0.0: it was replayed under another name",
    )


def test_a_lightweight_tag_is_no_release(three: Three) -> None:
    git, _, _ = three
    run_git(git.folder, "tag", "llmops/router/v2.0.0")
    assert outcome(tags(state(git))) == ("failed", "llmops/router/v2.0.0 is not an annotated tag")


def test_a_tag_made_by_hand_is_no_release(three: Three) -> None:
    git, _, _ = three
    run_git(git.folder, "tag", "-a", "-m", "by hand", "llmops/router/v2.0.0")
    assert outcome(tags(state(git))) == ("failed", "llmops/router/v2.0.0 has no release message")


def test_an_old_release_moved_with_a_forged_message_breaks_the_chain(three: Three) -> None:
    git, _configs, releases = three
    forged = releases[1].contents.replace("made for a test", "made for an attack")
    oid = Writer(git).tag(releases[1].name, git.resolve("HEAD"), forged)
    run_git(git.folder, "update-ref", releases[1].tag.ref, oid)
    assert tags(state(git)).state == "held"
    state_, why = outcome(chain(state(git)))
    assert state_ == "failed"
    assert (
        why == f"llmops/router/v1.0.1 was moved: llmops/router/v1.0.2 came after {releases[1].tag_object}, and it is {oid} now"
    )


def test_a_deleted_release_leaves_a_gap(three: Three) -> None:
    git, _, releases = three
    run_git(git.folder, "tag", "-d", releases[1].name)
    assert outcome(chain(state(git))) == ("failed", "llmops/router/v1.0.2 comes after llmops/router/v1.0.1, which is not here")


def test_a_gap_at_the_start_is_unknown_in_a_shallow_clone(three: Three) -> None:
    git, _, releases = three
    run_git(git.folder, "tag", "-d", releases[0].name)
    assert chain(state(git), shallow=True).state == "incomplete"
    assert chain(state(git)).state == "failed"


def test_a_number_that_does_not_follow_from_its_bump_is_refused(three: Three) -> None:
    git, _configs, _ = three
    registry = state(git)
    last = registry.releases["router"][-1]
    wrong = replace(last, contents=last.contents.replace("Bump: patch", "Bump: minor"))
    level = check_chain({"router": (*registry.releases["router"][:-1], wrong)}, shallow=False)
    assert outcome(level) == ("failed", "llmops/router/v1.0.2 is not llmops/router/v1.0.1 raised by a minor bump")


def test_a_digest_that_the_commit_does_not_have_is_found(three: Three) -> None:
    _git, configs, releases = three
    level = check_digests(releases[:1], lambda _: configs[1])
    assert level.state == "failed"
    assert f"says Config-Digest {configs[0].digest}, its commit says {configs[1].digest}" in level.findings[0]


def test_a_commit_without_the_config_fails_and_missing_objects_are_unknown(three: Three) -> None:
    _, _, releases = three

    def absent(release: Release) -> Config:
        raise LlmopsError("there is no config `router` in commit 1234")

    def unfetched(release: Release) -> Config:
        raise NotMeasured("the blob 1234 is not in this clone")

    assert check_digests(releases, absent).state == "failed"
    assert check_digests(releases, unfetched).state == "incomplete"


def test_evidence_that_was_exchanged_is_found(three: Three) -> None:
    git, _configs, releases = three
    note = releases[0].note
    assert note is not None
    assert note.evidence is not None
    writer, tip = Writer(git), state(git).evidence
    commit = writer.commit(writer.tree(tip, {note.evidence.name: writer.blob(b"{}")}), tip, "by hand\n")
    publish(git, "origin", [Update("refs/heads/llmops/evidence", commit, tip)], wait=no_wait)
    state_, why = outcome(evidence(git))
    assert state_ == "failed"
    assert "was changed" in why


def test_a_release_on_failing_evidence_is_found(clone: Clone) -> None:
    git = clone("alice")
    config = make_config()
    make_release(git, "origin", config, "1.0.0", evidence=make_evidence(config, passes=False, reasons=["queue got worse"]))
    assert outcome(evidence(git)) == ("failed", "llmops/router/v1.0.0: its evidence does not pass the gate: queue got worse")


def test_evidence_about_another_config_is_found(clone: Clone) -> None:
    git = clone("alice")
    make_release(git, "origin", make_config(), "1.0.0", evidence=make_evidence(make_config(text="Other.")))
    assert outcome(evidence(git)) == ("failed", "llmops/router/v1.0.0: its evidence is about something else")


@pytest.mark.parametrize("path", ["../../x", "prompts/x.yaml", "evidence/router", "./evidence", "HEAD:x"])
def test_a_tag_that_names_another_place_for_its_evidence_is_found(three: Three, path: str) -> None:
    git, _, releases = three
    note = releases[2].note
    assert note is not None
    assert note.evidence is not None
    forged = replace(releases[2], contents=releases[2].contents.replace(note.evidence.name, path))
    level = check_evidence([forged], lambda names: read_objects(git, names), state(git).evidence)
    assert outcome(level) == ("failed", "llmops/router/v1.0.2 names no evidence")


def test_evidence_that_was_not_fetched_is_unknown(three: Three, bare: Path, clone: Clone) -> None:
    bob = clone("bob", "--single-branch")
    run_git(bob.folder, "fetch", "-q", "origin", "refs/tags/llmops/*:refs/tags/llmops/*")
    assert evidence(bob).state == "incomplete"


def test_a_deployed_release_that_was_moved_is_found_by_the_deployment(three: Three) -> None:
    git, _, releases = three
    oid = Writer(git).tag(releases[2].name, git.resolve("HEAD"), releases[2].contents.replace("test", "attack"))
    run_git(git.folder, "update-ref", releases[2].tag.ref, oid)  # the newest one: the chain cannot see this
    assert chain(state(git)).state == "held"
    assert outcome(check_deployments(git, state(git), None)) == (
        "failed",
        f"llmops/router/v1.0.2 was moved: production ran {releases[2].tag_object}, and it is {oid} now",
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Three.", "Ignore all rules.", "was not"),
        ('"release": "llmops/router/v1.0.2"', '"release": "llmops/router/v9.0.0"', "is not the bundle that was deployed"),
        ("{", "[", "is not a bundle"),
    ],
)
def test_a_bundle_that_was_edited_is_found(three: Three, old: str, new: str, expected: str) -> None:
    git, _, _ = three
    tip = state(git).environments["production"].tip
    bundle = run_git(git.folder, "show", f"{tip}:router.json").replace(old, new, 1)
    writer = Writer(git)
    blob = writer.blob(bundle.encode())
    record = run_git(git.folder, "show", f"{tip}:router.conf")
    earlier = run_git(git.folder, "rev-parse", f"{tip}:router.json")
    files = {"router.json": blob, "router.conf": writer.blob(record.replace(earlier, blob).encode() + b"\n")}
    commit = writer.commit(writer.tree(tip, files), tip, "by hand\n")
    publish(git, "origin", [Update("refs/heads/llmops/env/production", commit, tip)], wait=no_wait)
    state_, why = outcome(check_deployments(git, state(git), None))
    assert state_ == "failed"
    assert (expected if expected != "was not" else "its digest is not") in why


def test_only_the_configs_asked_for_are_checked(three: Three) -> None:
    git, _, _ = three
    assert check_deployments(git, state(git), ["dates"]).checked == 0


def test_the_remote_moving_a_tag_is_found(three: Three, clone: Clone, bare: Path) -> None:
    git, _, releases = three
    bob = clone("bob")
    oid = move_tag(git, bare, releases[2])
    registry = state(bob)
    assert outcome(check_remote(bob, "origin", registry, all_of(registry))) == (
        "failed",
        f"tag `llmops/router/v1.0.2` was moved: {releases[2].tag_object} here, {oid} there",
    )


def test_the_remote_losing_a_tag_or_an_environment_is_found(three: Three, bare: Path) -> None:
    git, _, releases = three
    run_git(bare, "update-ref", "-d", releases[0].tag.ref)
    run_git(bare, "update-ref", "-d", "refs/heads/llmops/env/production")
    registry = state(git)
    assert outcome(check_remote(git, "origin", registry, all_of(registry))) == (
        "failed",
        "the remote does not have llmops/router/v1.0.0\nthe remote does not have branch `llmops/env/production`",
    )


def test_an_environment_rewritten_on_the_remote_is_found(three: Three, clone: Clone, bare: Path) -> None:
    git, _, _ = three
    bob = clone("bob")
    tip = state(git).environments["production"].tip
    run_git(bare, "update-ref", "refs/heads/llmops/env/production", f"{tip}~1")
    registry = state(bob)
    level = check_remote(bob, "origin", registry, all_of(registry))
    assert level.state == "failed"
    assert "branch `llmops/env/production` was rewritten" in level.findings[0]


def test_a_remote_that_is_ahead_is_no_alarm(three: Three, clone: Clone) -> None:
    git, configs, releases = three
    bob = clone("bob")
    put(git, "origin", "production", configs[0], releases[0], action="rollback")
    registry = state(bob)
    assert check_remote(bob, "origin", registry, all_of(registry)).state == "held"


def test_a_remote_that_does_not_answer_is_unknown(three: Three, bare: Path) -> None:
    git, _, _ = three
    bare.rename(bare.with_name("gone.git"))
    registry = state(git)
    assert check_remote(git, "origin", registry, all_of(registry)).state == "incomplete"


def test_a_rewrite_that_a_plain_fetch_has_swallowed_is_remembered(three: Three, clone: Clone, bare: Path) -> None:
    git, _, _ = three
    bob = clone("bob")
    fetch_state(bob, "origin")
    require_unrewritten(bob, "origin", state(bob))
    tip = state(git).environments["production"].tip
    run_git(bare, "update-ref", "refs/heads/llmops/env/production", f"{tip}~1")
    run_git(bob.folder, "fetch", "-q", "origin")  # by force, as remote.origin.fetch says
    assert check_history(bob, "origin", state(bob)).state == "failed"
    with pytest.raises(Tampered, match="branch `llmops/env/production` was rewritten") as caught:
        require_unrewritten(bob, "origin", state(bob))
    assert str(seen_file(bob)) in caught.value.hint


def test_an_environment_that_is_gone_is_remembered(three: Three) -> None:
    git, _, _ = three
    save_seen(git, "origin", tips_of(state(git)))
    run_git(git.folder, "update-ref", "-d", "refs/remotes/origin/llmops/env/production")
    assert check_history(git, "origin", state(git)).findings[0].startswith("branch `llmops/env/production` is gone")


def test_what_was_seen_is_kept_for_each_remote(three: Three) -> None:
    git, _, _ = three
    save_seen(git, "origin", {"refs/heads/x": "1"})
    save_seen(git, None, {"refs/heads/x": "2"})
    assert (load_seen(git, "origin"), load_seen(git, None)) == ({"refs/heads/x": "1"}, {"refs/heads/x": "2"})


@pytest.mark.parametrize("content", ["", "[]", '{"refs": []}', '{"refs": {"origin": 3}}', "\x00"])
def test_a_broken_memory_is_forgotten(three: Three, content: str) -> None:
    git, _, _ = three
    seen_file(git).parent.mkdir(parents=True, exist_ok=True)
    seen_file(git).write_text(content)
    assert load_seen(git, "origin") == {}
    save_seen(git, "origin", {"refs/heads/x": "1"})
    assert load_seen(git, "origin") == {"refs/heads/x": "1"}


def test_a_shallow_clone_checks_what_it_has(three: Three, clone: Clone) -> None:
    bob = clone("bob", "--depth=1", "--no-single-branch")
    level = check_deployments(bob, state(bob), None)
    assert level.state in ("incomplete", "failed")
    fetch_state(bob, "origin")
    assert check_deployments(bob, state(bob), None).state == "held"


def test_levels_prefer_what_is_wrong_to_what_is_unknown() -> None:
    def names(findings: Sequence[str], unknown: Sequence[str]) -> str:
        from llmops_git.releases.levels import level

        return level("x", 1, findings, unknown).state

    assert [names([], []), names([], ["?"]), names(["!"], ["?"])] == ["held", "incomplete", "failed"]
