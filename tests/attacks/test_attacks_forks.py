"""What a stranger's job can leave for the job with rights: archives, claims, and text that wants to be a comment of ours."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fakehub.hub import Hub

from tests.attacks import naive
from tests.attacks.page import ALLOWED, page_of
from tests.attacks.stage import HOSTILE_ANSWER
from tests.attacks.stage import naive as run_naive
from tests.commands.ci_project import CiProject, Done, config

ROUTER = "prompts/router.yaml"
NAME = "llmops-git-default-1"
ACTS = re.compile(r"(?:^|[^\w/])@\w|#\d")  # a mention, a reference


def from_fork(hub: Hub, files: dict[str, str | bytes | None], login: str = "eve", branch: str = "change") -> int:
    fork = hub.fork("octo-org/prompts", login)
    hub.commit(files, branch=branch, repository=fork.full_name)
    return hub.open_pull_request(head=branch, head_repository=fork.full_name, author=login).number


def head_of(hub: Hub, number: int) -> str:
    pull = hub.repository().issues[number].pull
    assert pull is not None
    return pull.head_oid


def gate_of(hub: Hub, number: int) -> str:
    return hub.status(head_of(hub, number), "llmops-git/gate")


def finished(ci: CiProject, hub: Hub, number: int, archive: bytes | None = None, **facts: Any) -> Done:
    """The comment job, after a run of the fork's head that left an archive."""
    told = {
        "head_oid": head_of(hub, number),
        "head_branch": "change",
        "head_repository": "eve/prompts",
        "actor": "eve",
        **facts,
    }
    run = hub.add_run(**told)
    if archive is not None:
        hub.add_artifact(run.id, NAME, raw_zip=archive)
    return ci.run("workflow_run", hub.event_payload("workflow_run", run_id=run.id), run_id=run.id + 1)


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def honest(ci: CiProject, number: int) -> dict[str, Any]:
    """A report that measured the fork's change, as its author's machine could make it."""
    return ci.pull_request(number, mode="live").report


@pytest.fixture
def bomb() -> bytes:
    """Half a gigabyte of blanks in two megabytes."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("report.json", "w") as file,
    ):
        for _ in range(512):
            file.write(b" " * (1 << 20))
    return buffer.getvalue()


def test_an_archive_that_grows_without_end_is_not_unpacked(ci: CiProject, hub: Hub, bomb: bytes, tmp_path: Path) -> None:
    (tmp_path / "bomb.zip").write_bytes(bomb)
    assert not run_naive("read_report", "bomb.zip", cwd=tmp_path, megabytes=256).survived

    import resource

    number = from_fork(hub, {ROUTER: config(5)})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = finished(ci, hub, number, bomb)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024  # megabytes
    assert (0, "pending", 1) == (done.code, gate_of(hub, number), len(hub.comments(number)))
    assert grown < 200


@pytest.mark.parametrize("name", ["../../outside", "/etc/cron.d/evil", "report.json/../../outside", "..\\outside"])
def test_no_member_of_an_archive_is_written_anywhere(ci: CiProject, hub: Hub, tmp_path: Path, name: str) -> None:
    archive = zipped({name: b"evil", "report.json": b"{}"})
    alone = zipped({name: b"evil"})
    if ".." in name and "\\" not in name:
        (tmp_path / "naive" / "deep").mkdir(parents=True)
        (tmp_path / "evil.zip").write_bytes(alone)
        naive.extract(tmp_path / "evil.zip", tmp_path / "naive" / "deep" / "x")
        assert list(tmp_path.glob("**/outside"))
        for path in tmp_path.glob("**/outside"):
            path.unlink()
    number = from_fork(hub, {ROUTER: config(5)})
    done = finished(ci, hub, number, archive)
    assert (0, "pending") == (done.code, gate_of(hub, number))
    assert [] == [path for path in tmp_path.rglob("*") if path.name in ("outside", "evil")]
    assert "" == "".join(line for line in done.out.splitlines() if "Traceback" in line)


def test_a_claim_about_another_pull_request_changes_nothing_there(ci: CiProject, hub: Hub) -> None:
    hub.commit({ROUTER: config(6)}, branch="victim")
    victim = hub.open_pull_request(head="victim", author="alice").number
    number = from_fork(hub, {ROUTER: config(5)})
    claim = {"pull_request": victim, "number": victim, "head": head_of(hub, victim), "verdict": "improved", "gate_passes": True}
    assert (victim, head_of(hub, victim), "improved") == naive.comment_for(claim)

    archive = zipped(
        {"report.json": json.dumps({**honest(ci, number), **claim}).encode(), "event.json": json.dumps(claim).encode()}
    )
    done = finished(ci, hub, number, archive)
    assert (0, [], "") == (done.code, hub.comments(victim), gate_of(hub, victim))
    assert "pending" == gate_of(hub, number)


def test_a_claimed_verdict_is_shown_as_not_verified_and_decides_nothing(ci: CiProject, hub: Hub) -> None:
    number = from_fork(hub, {ROUTER: config(5)})
    report = honest(ci, number)
    said = HOSTILE_ANSWER + " @maintainers please merge"
    lies = json.loads(re.sub(r'"regressed"', '"improved"', json.dumps(report)))
    lies |= {
        "verdict": "improved",
        "gate_passes": True,
        "problems": [{"path": said, "message": said}],
        "how": {"notes": [said]},
    }
    for entry in lies["configs"]:
        entry |= {"gate_passes": True, "notes": [said]}
    done = finished(ci, hub, number, zipped({"report.json": json.dumps(lies).encode(), "comment.md": said.encode()}))
    (comment,) = hub.comments(number)
    assert (0, "pending") == (done.code, gate_of(hub, number))
    assert "ship it" not in comment.body
    assert "please merge" not in comment.body
    harmless(comment.body)


@pytest.mark.parametrize("other", ["branch", "commit", "repository"])
def test_a_run_that_fits_no_open_pull_request_comments_nowhere(ci: CiProject, hub: Hub, other: str) -> None:
    number = from_fork(hub, {ROUTER: config(5)})
    hub.fork("octo-org/prompts", "mallory")
    facts = {
        "branch": {"head_branch": "other"},
        "commit": {"head_oid": hub.commit({ROUTER: config(7)}, branch="change", repository="mallory/prompts")},
        "repository": {"head_repository": "mallory/prompts", "head_oid": hub.store("mallory/prompts").branch("change")},
    }[other]
    if other == "commit":
        facts["head_oid"] = hub.store("eve/prompts").branch("main")
    done = finished(ci, hub, number, zipped({"report.json": json.dumps({"head": head_of(hub, number)}).encode()}), **facts)
    assert (0, [], "") == (done.code, hub.comments(number), gate_of(hub, number))


def harmless(body: str) -> None:
    """As GitHub renders it, only our own elements are there, and nothing outside of code acts."""
    first, _, rest = body.partition("\n")
    assert first.startswith("<!-- llmops-git:v1 key=default head=")
    assert "<!-- llmops-git" not in rest
    page = page_of(body)
    assert set() == set(page.tags) - ALLOWED - {"a"}
    own = re.compile(r"http://127\.0\.0\.1:\d+/octo-org/prompts/actions/runs/\d+/attempts/\d+")
    assert [] == [value for name, value in page.attributes if name == "href" and not own.fullmatch(value or "")]
    assert {"href", "align", "lang", "open"} >= {name for name, _ in page.attributes}
    assert None is ACTS.search(page.outside), page.outside


def test_an_answer_with_markup_stays_text_in_the_comment(ci: CiProject, hub: Hub) -> None:
    report = {"verdict": "regressed", "cases": [{"id": "c1", "output": HOSTILE_ANSWER.replace("\n", " ")}]}
    attacked = page_of(naive.comment_of(report))
    assert {"img", "a"} <= set(attacked.tags)
    assert ("onerror", "alert(1)") in attacked.attributes

    hub.commit({ROUTER: config(5)}, branch="change")
    number = hub.open_pull_request(head="change", author="alice").number
    ci.pull_request(number)
    (comment,) = hub.comments(number)
    assert "set-output" in comment.body or "set&#45;output" in comment.body  # it is shown
    harmless(comment.body)


@pytest.mark.parametrize("author", ["mallory", "github-actions", "octocat"])
def test_a_comment_with_our_marker_by_somebody_else_is_not_ours(ci: CiProject, hub: Hub, author: str) -> None:
    hub.commit({ROUTER: config(5)}, branch="change")
    number = hub.open_pull_request(head="change", author="alice").number
    spoof = f"<!-- llmops-git:v1 key=default head={head_of(hub, number)} run=999999.9 -->\n### Improved: ship it"
    assert 0 == naive.own_comment([spoof, "<!-- llmops-git:v1 key=default head=x run=1.1 -->\nours"])
    hub.add_comment("", number, spoof, author=author)
    done = ci.pull_request(number)
    theirs, ours = hub.comments(number)
    assert (spoof, 1, True) == (theirs.body, done.code, "ship it" not in ours.body)


def test_a_marker_inside_a_comment_of_ours_is_none(ci: CiProject, hub: Hub) -> None:
    """The bot quotes: a marker anywhere but at the start belongs to whoever is quoted."""
    hub.commit({ROUTER: config(5)}, branch="change")
    number = hub.open_pull_request(head="change", author="alice").number
    quoting = "> <!-- llmops-git:v1 key=default head=x run=999999.9 -->\n> said alice"
    assert 0 == naive.own_comment([quoting])
    hub.add_comment("", number, quoting)
    done = ci.pull_request(number)
    assert (1, quoting, 2) == (done.code, hub.comments(number)[0].body, len(hub.comments(number)))
