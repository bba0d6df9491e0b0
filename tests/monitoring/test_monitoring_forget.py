"""Forgetting a user, and the proof that nothing is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from live_material import START_NS, live_lines, live_spans, live_store

from llmops_git.errors import LlmopsError
from llmops_git.monitoring.erase import Forgetting, without
from llmops_git.monitoring.forget import forget, traces_of
from llmops_git.monitoring.ingest import ingest
from llmops_git.monitoring.proof import Proof, prove
from llmops_git.monitoring.store import Store, open_store
from llmops_git.monitoring.tombstones import Tombstones
from llmops_git.traces import attributes as names
from llmops_git.traces.otlp import to_otlp_line
from llmops_git.traces.span import Span

NOW_NS = START_NS + 30 * 86_400 * 10**9
USER = "user-3"
SPANS = live_spans(requests=60)
THEIRS = frozenset(one.trace_id for one in SPANS if one.attributes.get(names.USER) == USER)


def rows(store: Store, query: str) -> list[tuple]:
    with store.connection() as connection:
        return connection.execute(query).fetchall()


def proof_of(
    store: Store, traces: frozenset[str], users: frozenset[str] = frozenset({USER}), also: tuple[Path, ...] = ()
) -> Proof:
    return prove(store, Forgetting(trace=traces.__contains__, users=users, traces=traces), also)


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_nothing_of_a_user_is_left_anywhere_and_the_others_are_whole(tmp_path: Path) -> None:
    store = live_store(tmp_path, SPANS)
    damaged = live_lines([one for one in SPANS if one.trace_id in THEIRS])[0][:-40]
    (tmp_path / "raw" / "damaged.jsonl").write_text(damaged + "\n")
    absent = Span(trace_id="f" * 32, span_id="e" * 16, name="x", start_ns=5, end_ns=6, attributes={names.USER: USER})
    (tmp_path / "raw" / "old.jsonl").write_text(to_otlp_line([absent]) + "\n")  # goes to quarantine: it began in 1970
    ingest(store, [tmp_path / "raw"], now_ns=NOW_NS)
    assert 2 == sum(store.manifest().quarantined.values())
    before = {one.span_id for one in SPANS if one.trace_id not in THEIRS}
    bad = proof_of(store, THEIRS)
    assert {"raw/host-0.jsonl", "quarantine"} <= {
        name.partition("/quarantine/")[0].split("/quarantine")[0] if name.startswith("raw") else name.split("/")[0]
        for name in bad.left
    }
    result = forget(store, frozenset({USER}), now_ns=NOW_NS)
    assert THEIRS | {"f" * 32} == result.traces
    assert sum(one.trace_id in THEIRS for one in SPANS) == result.stored_spans
    assert (2, result.stored_spans + 2) == (result.quarantined, result.raw_spans)
    proof = proof_of(store, result.traces)
    assert ({}, {}) == (proof.left, proof.mentions)
    assert len(before) == proof.spans
    assert before == {row[0] for row in rows(store, "select span_id from spans")}
    left = everything(tmp_path)
    assert not any(trace.encode() in left for trace in result.traces)
    assert f'"{USER}"'.encode() not in left
    assert 0 < proof.files <= len(list(tmp_path.rglob("*")))
    # what stays in the raw file is what was there, at the same place: a writer that has it open goes on
    kept = [json.loads(line) for line in (tmp_path / "raw" / "host-0.jsonl").read_bytes().splitlines() if line.strip()]
    assert 60 - len(THEIRS) == len(kept)
    assert 0 == ingest(store, [tmp_path / "raw"], now_ns=NOW_NS).spans
    assert ({}, 0) == (proof_of(store, result.traces).left, forget(store, frozenset({USER}), now_ns=NOW_NS).stored_spans)


def test_forgotten_traces_that_come_again_are_refused_and_new_ones_of_the_user_are_not(tmp_path: Path) -> None:
    store = live_store(tmp_path / "store", SPANS)
    forget(store, frozenset({USER}), now_ns=NOW_NS)
    late = tmp_path / "late.jsonl"
    never_seen = Span(
        trace_id="a" * 32, span_id="b" * 16, name="late", start_ns=NOW_NS - 5, end_ns=NOW_NS, attributes={names.USER: USER}
    )
    later = Span(
        trace_id="c" * 32, span_id="d" * 16, name="new", start_ns=NOW_NS + 5, end_ns=NOW_NS + 6, attributes={names.USER: USER}
    )
    late.write_text("".join(line + "\n" for line in live_lines([never_seen, *SPANS, later])))
    result = ingest(store, [late], now_ns=NOW_NS + 10)
    assert (1, 1 + sum(one.trace_id in THEIRS for one in SPANS)) == (result.spans, result.forgotten)
    assert [("new",)] == rows(store, f"select name from spans where user_id = '{USER}'")
    hashes = (tmp_path / "store" / "forgotten.json").read_text()
    assert USER not in hashes
    assert not any(trace in hashes for trace in THEIRS)


def test_children_that_came_before_it_was_known_whose_they_are_go_when_it_is(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    forget(store, frozenset({USER}), now_ns=NOW_NS)
    child = Span(trace_id="a" * 32, span_id="1" * 16, parent_id="2" * 16, name="chat", start_ns=NOW_NS - 5, end_ns=NOW_NS)
    root = Span(
        trace_id="a" * 32, span_id="2" * 16, name="root", start_ns=NOW_NS - 9, end_ns=NOW_NS, attributes={names.USER: USER}
    )
    for number, one in enumerate((child, root)):
        file = tmp_path / f"{number}.jsonl"
        file.write_text(to_otlp_line([one]) + "\n")
        ingest(store, [file], now_ns=NOW_NS)
    assert [] == rows(store, "select * from spans")


def test_a_line_that_others_share_keeps_theirs(tmp_path: Path) -> None:
    mine = [one for one in SPANS if one.trace_id in THEIRS][:3]
    others = [one for one in SPANS if one.trace_id not in THEIRS][:3]
    store = open_store(tmp_path / "store")
    raw = tmp_path / "store" / "raw" / "app.jsonl"
    raw.parent.mkdir(parents=True)
    raw.write_text(to_otlp_line([*mine, *others]) + "\n")
    size = raw.stat().st_size
    forget(store, frozenset({USER}), now_ns=NOW_NS)  # before it was ever read in
    assert size == raw.stat().st_size
    assert 3 == ingest(store, [raw], now_ns=NOW_NS).spans
    assert {one.span_id for one in others} == {row[0] for row in rows(store, "select span_id from spans")}


def test_files_elsewhere_that_still_hold_it_are_named_and_can_be_rewritten_too(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    export = tmp_path / "collector.jsonl"
    export.write_text("".join(line + "\n" for line in live_lines(SPANS)))
    ingest(store, [export], now_ns=NOW_NS)
    result = forget(store, frozenset({USER}), now_ns=NOW_NS)
    proof = proof_of(store, result.traces)
    assert [str(export)] == list(proof.left)
    forget(store, frozenset({USER}), now_ns=NOW_NS, also=(export,))
    assert {} == proof_of(store, THEIRS, also=(export,)).left
    assert not any(trace.encode() in export.read_bytes() for trace in THEIRS)


def test_a_line_somebody_is_writing_is_left_and_the_proof_says_so(tmp_path: Path) -> None:
    store = live_store(tmp_path, SPANS)
    with (tmp_path / "raw" / "host-0.jsonl").open("a") as out:
        out.write(live_lines([one for one in SPANS if one.trace_id in THEIRS])[0][:-60])
    result = forget(store, frozenset({USER}), now_ns=NOW_NS)
    assert any("host-0.jsonl" in name for name in proof_of(store, result.traces).left)


def test_the_proof_does_not_trust_the_manifest(tmp_path: Path) -> None:
    store = live_store(tmp_path, SPANS)
    stray = next((tmp_path / "spans").rglob("*.parquet"))
    copy = stray.with_name("copy.parquet")
    copy.write_bytes(stray.read_bytes())
    result = forget(store, frozenset({USER}), now_ns=NOW_NS)
    left = proof_of(store, result.traces).left
    assert {"spans/dt=2025-11-20/copy.parquet"} == set(left)
    assert f"{result.stored_spans} spans" in left["spans/dt=2025-11-20/copy.parquet"]


@pytest.mark.parametrize("user", ["ünï-😀", 'a"b\\c', "17", "x' or 1=1 --"])
def test_users_of_any_name(tmp_path: Path, user: str) -> None:
    spans = [Span(trace_id=f"{number:032x}", span_id=f"{number:016x}", name="r", start_ns=START_NS + number, end_ns=START_NS + number,
                  attributes={names.USER: user if number % 2 else "somebody"}) for number in range(1, 9)]  # fmt: skip
    store = live_store(tmp_path, spans)
    assert 4 == len(traces_of(store, frozenset({user})))
    result = forget(store, frozenset({user}), now_ns=NOW_NS)
    assert 4 == result.stored_spans == result.raw_spans
    assert {} == proof_of(store, result.traces, frozenset({user})).left
    assert [("somebody", 4)] == rows(store, "select user_id, count(*) from spans group by 1")


def test_ids_written_in_base64_are_the_same_traces() -> None:
    line = b'{"resource_spans": [{"scope_spans": [{"spans": [{"trace_id": "S/kvNXezTaajzpKdDg5HNg==", "span_id": "AAAAAAAAAAk="}]}]}]}'
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (b"", 1) == without(line, Forgetting(trace={trace}.__contains__, users=frozenset(), traces=frozenset({trace})))


def test_a_damaged_list_of_what_is_forgotten_stops_reading_in(tmp_path: Path) -> None:
    store = live_store(tmp_path, SPANS)
    forget(store, frozenset({USER}), now_ns=NOW_NS)
    (tmp_path / "forgotten.json").write_text("{")
    with pytest.raises(LlmopsError, match=r"forgotten\.json is damaged"):
        ingest(store, [tmp_path / "raw"], now_ns=NOW_NS)


def test_tombstones_of_two_stores_are_different() -> None:
    one, other = (Tombstones(salt=salt).with_these(traces=["t"], users=["u"], until_ns=5) for salt in ("aa", "bb"))
    assert one.traces != other.traces
    assert (True, True, False, False) == (
        one.holds_trace("t"),
        one.holds_user("u", 5),
        one.holds_user("u", 6),
        one.holds_user("t", 1),
    )
