"""A release or promotion that was killed, or whose server gave up half-way: the next run repairs it, nothing is made twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.release_project import CASES, Folder, Place, release_project, shadow
from tests.releases.signing_keys import allowed, sign_with_ssh, ssh_key

pytestmark = pytest.mark.slow

# what a shell script in front of git does at each step; `$GIT` is the real one, and its parent is llmops-git
KILL = "kill -9 $PPID; exit 1"
STEPS = {
    "before the evidence is an object": f'case " $* " in *" hash-object "*) {KILL};; esac',
    "before the evidence is signed": f'case " $* " in *" commit-tree "*) {KILL};; esac',
    "before the tag is an object": f'case " $* " in *" mktag "*) {KILL};; esac',
    "before the push": f'case " $* " in *" push "*) {KILL};; esac',
    "after the push": f'case " $* " in *" push "*) "$GIT" "$@"; {KILL};; esac',
    "before this clone follows": f'case " $* " in *" update-ref "*) {KILL};; esac',
}
BEFORE_THE_PUSH = [step for step in STEPS if step not in ("after the push", "before this clone follows")]
# a server that takes one ref at a time, and a tool that is killed after the first
BETWEEN = f'case " $* " in *" push "*--atomic*) ;; *" push "*) "$GIT" "$@"; {KILL};; esac'


@pytest.fixture(params=["unsigned", "signed"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Place, Folder]]:
    """A project as `release` finds it; signed ones require signatures."""
    with release_project(tmp_path) as (place, alice):
        if request.param == "signed":
            key = ssh_key(tmp_path / "keys")
            (alice.path / "signers").write_text(allowed(key))
            policy = alice.path / "llmops.yaml"
            policy.write_text(policy.read_text() + "signing: {require: true, allowed_signers: signers}\n")
            alice.commit("signers")
        yield place, alice


def runner(place: Place, name: str, *options: str) -> Folder:
    """A new clone, as a job has; it can sign where there is a key."""
    clone = place.clone(name, *options)
    key = place.folder / "keys" / "key"
    if key.exists():
        sign_with_ssh(clone.path, key)
    return clone


def released(place: Place) -> tuple[list[str], int, int]:
    """The tags, the commits of evidence and the records on the remote."""
    if not place.bare.git("for-each-ref", "refs/heads/llmops/evidence"):
        return place.bare.tags(), 0, 0
    files = place.bare.git("ls-tree", "-r", "--name-only", "llmops/evidence").split()
    records = [file for file in files if not file.endswith((".intoto.json", ".dsse.json"))]
    return place.bare.tags(), int(place.bare.git("rev-list", "--count", "llmops/evidence")), len(records)


DONE = (["llmops/router/v1.0.0"], 1, 1)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("options", [[], ["--depth=1"]], ids=["whole", "depth-1"])
def test_a_release_killed_at_any_step_is_finished_by_the_next_run(
    project: tuple[Place, Folder], tmp_path: Path, step: str, options: list[str]
) -> None:
    place, _ = project
    first = runner(place, "first", *options)
    assert -9 == first.run("release", environment=shadow(tmp_path, STEPS[step]))[0]
    assert (([], 0, 0) if step in BEFORE_THE_PUSH else DONE) == released(place)
    for again in (first, runner(place, "second", *options)):  # the same job once more, and one that knows nothing
        again.ok("release")
        assert DONE == released(place)
        assert 0 == again.run("verify", "--fetch")[0]
    assert first.tags() == place.bare.tags()


@pytest.mark.parametrize("options", [[], ["--depth=1"]], ids=["whole", "depth-1"])
def test_a_server_without_atomic_pushes_leaves_evidence_and_no_tag_and_nothing_is_measured_again(
    project: tuple[Place, Folder], tmp_path: Path, options: list[str]
) -> None:
    place, _ = project
    place.bare.git("config", "receive.advertiseAtomic", "false")
    first = runner(place, "first", *options)
    assert -9 == first.run("release", environment=shadow(tmp_path, BETWEEN))[0]
    assert ([], 1, 1) == released(place)
    assert CASES == len(place.server.asked)
    second = runner(place, "second", *options)
    second.ok("release")
    assert DONE == released(place)
    assert CASES == len(place.server.asked)
    assert 0 == second.run("verify", "--fetch")[0]
    first.ok("release")
    assert DONE == released(place)


@pytest.mark.parametrize(
    "step", ["before the evidence is signed", "before the push", "after the push", "before this clone follows"]
)
def test_a_promotion_killed_at_any_step_is_finished_by_the_next_run(
    project: tuple[Place, Folder], tmp_path: Path, step: str
) -> None:
    place, _ = project
    first = runner(place, "first")
    first.ok("release")
    killed = first.run("promote", "router", "--to", "staging", environment=shadow(tmp_path, STEPS[step]))
    assert -9 == killed[0]
    for again in (first, runner(place, "second")):
        again.ok("promote", "router", "--to", "staging")
        assert "1" == place.bare.git("rev-list", "--count", "llmops/env/staging")
        assert 0 == again.run("verify", "--fetch")[0]


def test_a_server_that_refuses_the_tag_but_not_the_evidence_is_asked_again_by_the_next_run(
    project: tuple[Place, Folder],
) -> None:
    place, _ = project
    place.bare.git("config", "receive.advertiseAtomic", "false")
    hook = place.bare.path / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/tags/*) echo "tags are for the release app" >&2; exit 1;; esac\n')
    hook.chmod(0o755)
    first = runner(place, "first")
    code, _, err = first.run("release")
    assert (3, True) == (code, "tags are for the release app" in err)
    assert ([], 1, 1) == released(place)
    hook.unlink()
    first.ok("release")
    assert DONE == released(place)
    assert CASES == len(place.server.asked)


def test_two_signing_clones_at_the_same_time_make_one_release(project: tuple[Place, Folder]) -> None:
    place, _ = project
    clones = [runner(place, name) for name in ("first", "second")]
    racing = [clone.start("release", "--promote") for clone in clones]
    ended = [(*process.communicate(), process.returncode) for process in racing]
    assert [0, 0] == [code for _, _, code in ended], ended
    tags, _, _ = released(place)
    assert ["llmops/router/v1.0.0"] == tags
    assert "1" == place.bare.git("rev-list", "--count", "llmops/env/staging")
    for clone in clones:
        assert 0 == clone.run("verify", "--fetch")[0]
