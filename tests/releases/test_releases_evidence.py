from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from llmops_git.evals.values import Comparison, ScorerComparison
from llmops_git.releases.evidence import EvidenceKey, evidence_from, evidence_path, format_evidence, parse_evidence
from llmops_git.releases.evidence_branch import add_evidence, read_evidence
from llmops_git.releases.registry import EVIDENCE_REF, read_registry
from llmops_git.releases.releasing import keep_evidence
from llmops_git.repo.fetch import fetch_state
from llmops_git.repo.git import Git
from llmops_git.repo.publish import Published, publish
from llmops_git.repo.write import Writer
from tests.releases.release_helpers import make_config, make_evidence, no_wait, run_git

Clone = Callable[..., Git]


def a_scorer(name: str = "queue", delta: float | None = 0.1) -> ScorerComparison:
    return ScorerComparison(
        scorer=name, direction="higher", gating=True, base=0.8, head=0.9, delta=delta, low=1 / 30, high=None, p_worse=0.9,
        p_adjusted=None, cases=30, margin=0.05, mde=0.1, verdict="improved",
    )  # fmt: skip


def a_comparison(**changes: object) -> Comparison:
    values = {
        "config": "router", "against": "previous release", "base_name": "llmops/router/v1.0.0", "instrument": "head",
        "base_digest": "sha256:b", "head_digest": "sha256:h", "eval_digest": "sha256:e", "scorers": (a_scorer(),), "ratios": (),
        "flipped": (), "planned": 30, "measured": 30, "errors": {}, "hard_failures": (), "leaning_worse": False,
        "verdict": "improved", "reasons": ("better",), "gate_passes": True,
    }  # fmt: skip
    return Comparison(**{**values, **changes})  # type: ignore[arg-type]


def test_a_record_is_read_back_as_it_was_written() -> None:
    record = make_evidence(make_config(), reasons=["ünïcode", "second"])
    data = format_evidence(record)
    assert parse_evidence(data) == record
    assert format_evidence(record) == data


def test_a_record_goes_where_its_content_says() -> None:
    record = make_evidence(make_config())
    data = format_evidence(record)
    path = evidence_path(record, data)
    assert path.startswith(f"evidence/router/{record.config_digest[7:]}/{record.eval_digest[7:]}/")
    assert path != evidence_path(record, data + b" ")


def test_what_is_no_record_is_none() -> None:
    for data in (b"", b"[]", b"{}", b"\xff", b'{"schema": "llmops-git/evidence/2"}', b"[" * 100_000):
        assert parse_evidence(data) is None


def test_the_scores_of_the_configs_own_evaluation_are_shown() -> None:
    key = EvidenceKey("router", "sha256:h", "sha256:e")
    old_cases = a_comparison(
        instrument="base", eval_digest="sha256:old", scorers=(a_scorer("old"),), reasons=("on the base's cases",)
    )
    record = evidence_from([old_cases, a_comparison()], key=key, verdict="improved", gate_passes=True, run={"samples": []})
    assert record.scores == {
        "against": "previous release",
        "n": 30,
        "scores": {"queue": {"base": 0.8, "head": 0.9, "delta": 0.1, "low": 0.0333333, "n": 30, "verdict": "improved"}},
    }
    assert record.reasons == ("on the base's cases", "better")
    assert record.base_name == "llmops/router/v1.0.0"


def test_records_of_two_clones_end_on_one_branch(clone: Clone) -> None:
    alice, bob = clone("alice"), clone("bob")
    one, two = make_evidence(make_config("router")), make_evidence(make_config("dates"))
    keep_evidence(alice, "origin", [one])
    keep_evidence(bob, "origin", [two])  # bob has not fetched: the race is lost once, and the union is pushed
    fetch_state(alice, "origin")
    tip = read_registry(alice, remote="origin").evidence
    found = read_evidence(alice, tip, [one.key, two.key])
    assert [replace(record, path="", blob="") for records in found.values() for record in records] == [one, two]
    assert run_git(alice.folder, "rev-list", "--count", tip) == "2"


def test_keeping_the_same_record_twice_adds_no_commit(clone: Clone) -> None:
    git = clone("alice")
    record = make_evidence(make_config())
    first = keep_evidence(git, "origin", [record])
    assert keep_evidence(git, "origin", [record]) == first
    assert run_git(git.folder, "rev-list", "--count", read_registry(git, remote="origin").evidence) == "1"


def test_a_record_under_another_ones_path_does_not_count(clone: Clone) -> None:
    git = clone("alice")
    config, other = make_config(), make_config(text="Worse.")
    failed, passed = make_evidence(other, passes=False), make_evidence(config)
    writer = Writer(git)
    forged = {f"{failed.key.folder}/{'0' * 64}.json": writer.blob(format_evidence(replace(failed, gate_passes=True)))}
    misplaced = {f"{failed.key.folder}/{'1' * 64}.json": writer.blob(format_evidence(passed))}
    commit = writer.commit(writer.tree(None, {**forged, **misplaced}), None, "by hand\n")
    assert read_evidence(git, commit, [failed.key, passed.key]) == {failed.key: (), passed.key: ()}


def test_nothing_is_read_without_a_branch(clone: Clone) -> None:
    key = make_evidence(make_config()).key
    assert read_evidence(clone("alice"), "", [key]) == {key: ()}


def test_records_that_are_there_already_need_no_update(clone: Clone) -> None:
    git = clone("alice")
    writer = Writer(git)
    _, update = add_evidence(git, writer, "", [make_evidence(make_config())])
    assert update is not None
    assert (update.ref, update.old) == (EVIDENCE_REF, None)
    assert publish(git, "origin", [update], wait=no_wait) == Published()
    _, again = add_evidence(git, writer, update.new, [make_evidence(make_config())])
    assert again is None
