"""The in-toto statement of an evaluation, held to the published specifications, and the envelope around it."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmops_git.configs.schema import validator
from llmops_git.evals.values import Verdict
from llmops_git.releases.evidence import Evidence, evidence_path, format_evidence
from llmops_git.releases.evidence_branch import add_evidence, read_evidence
from llmops_git.releases.levels import Level
from llmops_git.releases.registry import read_registry
from llmops_git.releases.releasing import keep_evidence
from llmops_git.releases.statement import (
    disagreements,
    envelope_of,
    envelope_path,
    format_statement,
    key_id,
    pre_authentication,
    read_envelope,
    statement_of,
    statement_path,
)
from llmops_git.releases.verify_evidence import check_evidence
from llmops_git.repo.fetch import Tampered
from llmops_git.repo.git import Git
from llmops_git.repo.objects import read_objects
from llmops_git.repo.publish import Update, publish
from llmops_git.repo.sign import Signing
from llmops_git.repo.write import Writer
from tests.releases.release_helpers import make_config, make_evidence, make_release, no_wait, run_git
from tests.releases.signing_keys import allowed, sign_with_ssh, ssh_key

Clone = Callable[..., Git]
DESCRIPTOR = {"name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"}


def written(evidence: Evidence) -> tuple[str, bytes, dict[str, Any]]:
    """Path and bytes of a record, and its statement read back."""
    data = format_evidence(evidence)
    path = evidence_path(evidence, data)
    return path, data, json.loads(format_statement(statement_of(evidence, path, data)))


def record(verdict: Verdict = "improved", *, passes: bool = True, **scores: str) -> Evidence:
    base = make_evidence(make_config(), passes=passes, reasons=() if passes else ["queue: regressed"])
    values = {name: {"head": 0.5, "n": 30, "verdict": own} for name, own in scores.items()}
    return replace(base, verdict=verdict, scores={"n": 30, "scores": values}, base_digest=make_config(text="Before.").digest)


def test_a_statement_is_what_the_specifications_of_in_toto_ask_for() -> None:
    """Statement v1: `_type`, `subject` (each with a digest), `predicateType`, `predicate`. Test result v0.1: `result` and
    `configuration` are required, the three lists are of strings. A resource descriptor has one of uri, digest, content."""
    _, _, statement = written(record(queue="improved"))
    assert {"_type", "subject", "predicateType", "predicate"} == set(statement)
    assert "https://in-toto.io/Statement/v1" == statement["_type"]
    assert "https://in-toto.io/attestation/test-result/v0.1" == statement["predicateType"]
    predicate = statement["predicate"]
    assert predicate["result"] in {"PASSED", "WARNED", "FAILED"}
    for descriptor in (*statement["subject"], *predicate["configuration"]):
        assert set(descriptor) <= DESCRIPTOR
        assert set(descriptor) & {"uri", "digest", "content"}
        assert all(bytes.fromhex(value) for value in descriptor["digest"].values())
    for key in ("passedTests", "warnedTests", "failedTests"):
        assert all(isinstance(name, str) for name in predicate[key])
    assert [] == [error.message for error in validator("statement").iter_errors(statement)]


def test_the_subject_is_the_config_and_the_configuration_is_what_it_was_measured_with() -> None:
    evidence = record()
    path, data, statement = written(evidence)
    assert [{"name": "router", "digest": {"sha256": evidence.config_digest.removeprefix("sha256:")}}] == statement["subject"]
    assert [
        {"name": "evaluation", "digest": {"sha256": evidence.eval_digest.removeprefix("sha256:")}},
        {"name": path, "digest": {"sha256": hashlib.sha256(data).hexdigest()}, "mediaType": "application/json"},
        {"name": "baseline", "digest": {"sha256": evidence.base_digest.removeprefix("sha256:")}},
    ] == statement["predicate"]["configuration"]


@pytest.mark.parametrize(
    ("evidence", "result", "passed", "warned", "failed"),
    [
        (record("improved", a="improved", b="unchanged"), "PASSED", ["gate", "score/a", "score/b"], [], []),
        (record("inconclusive", a="inconclusive"), "WARNED", ["gate"], ["score/a"], []),
        (record("improved", a="regressed"), "PASSED", ["gate"], ["score/a"], []),  # one that does not gate
        (record("regressed", passes=False, a="regressed", b="improved"), "FAILED", ["score/b"], [], ["gate", "score/a"]),
        (record("improved", passes=False, a="improved"), "FAILED", ["score/a"], [], ["gate"]),  # a budget, a must-pass case
        (record("invalid", passes=False, a="invalid"), "FAILED", [], [], ["gate", "score/a"]),
    ],
)  # fmt: skip
def test_the_result_is_the_gates_answer(
    evidence: Evidence, result: str, passed: list[str], warned: list[str], failed: list[str]
) -> None:
    predicate = written(evidence)[2]["predicate"]
    assert (result, passed, warned, failed) == (
        predicate["result"], predicate["passedTests"], predicate["warnedTests"], predicate["failedTests"],
    )  # fmt: skip
    assert evidence.gate_passes is predicate["llmopsGit"]["gatePasses"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"predicateType": "https://example.com/other"}, "its predicateType is"),
        ({"subject": []}, "its subject is"),
        ({"predicate": {}}, "its predicate.result is"),
        ({"predicate": 3}, "it is not a statement"),
    ],
)
def test_a_statement_that_says_something_else_is_found(change: dict[str, Any], said: str) -> None:
    evidence = record()
    path, data, statement = written(evidence)
    assert [] == disagreements(format_statement(statement), evidence, path, data)
    assert [] == disagreements(format_statement({**statement, "later": 1}), evidence, path, data)
    assert said in disagreements(format_statement({**statement, **change}), evidence, path, data)[0]
    assert ["it is not JSON"] == disagreements(b"{", evidence, path, data)


def test_what_is_signed_is_as_dsse_says() -> None:
    """The example of the protocol's own page."""
    assert b"DSSEv1 29 http://example.com/HelloWorld 11 hello world" == pre_authentication(
        b"hello world", "http://example.com/HelloWorld"
    )


def test_an_envelope_is_checked_by_ssh_keygen_alone(clone: Clone, tmp_path: Path) -> None:
    git = clone("alice")
    key = ssh_key(tmp_path / "keys")
    sign_with_ssh(git.folder, key)
    (tmp_path / "signers").write_text(allowed(key))
    statement = format_statement(written(record())[2])
    signature = Writer(git, Signing(commits=True)).signature(pre_authentication(statement))
    envelope = envelope_of(statement, signature)
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    body = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"]
    signed = f"DSSEv1 {len(kind)} {kind} {len(body)} ".encode() + body
    place = ["-f", str(tmp_path / "signers"), "-s", str(tmp_path / "sig")]
    checking = ["ssh-keygen", "-Y", "verify", "-n", "git", "-I", "key@example.com", *place]
    assert 0 == subprocess.run(checking, input=signed, capture_output=True, check=False).returncode
    shown = subprocess.run(["ssh-keygen", "-lf", str(key)], capture_output=True, text=True, check=True).stdout.split()
    assert shown[1] == envelope["signatures"][0]["keyid"]
    assert (statement, [signature]) == read_envelope(format_statement(envelope))


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"payloadType": "text/plain"}', b'{"payloadType": "application/vnd.in-toto+json", "payload": "?"}'],
)
def test_what_is_no_envelope_is_none(data: bytes) -> None:
    assert read_envelope(data) is None


@pytest.mark.parametrize(
    "signature",
    [b"", b"-----BEGIN PGP SIGNATURE-----\nx\n", b"-----BEGIN SSH SIGNATURE-----\n?\n-----END SSH SIGNATURE-----\n"],
)
def test_other_signatures_have_no_key_id(signature: bytes) -> None:
    assert "" == key_id(signature)


def test_records_and_statements_arrive_together(clone: Clone) -> None:
    git = clone("alice")
    (kept,) = keep_evidence(git, "origin", [make_evidence(make_config(), passes=False, reasons=["worse"])])
    tip = read_registry(git, remote="origin").evidence
    assert [kept.path, kept.statement] == sorted(
        run_git(git.folder, "ls-tree", "-r", "--name-only", tip).split(), key=lambda path: "intoto" in path
    )
    assert "1" == run_git(git.folder, "rev-list", "--count", tip)
    assert "FAILED" == json.loads(run_git(git.folder, "show", f"{tip}:{kept.statement}"))["predicate"]["result"]
    assert (kept.path,) == tuple(found.path for found in read_evidence(git, tip, [kept.key])[kept.key])


def test_a_record_from_before_there_were_statements_gets_one(clone: Clone) -> None:
    git = clone("alice")
    writer = Writer(git)
    path, data, _ = written(make_evidence(make_config()))
    old = writer.commit(writer.tree(None, {path: writer.blob(data)}), None, "old\n")
    (placed,), update = add_evidence(git, writer, old, [make_evidence(make_config())])
    assert update is not None
    assert placed.statement_blob == run_git(git.folder, "rev-parse", f"{update.new}:{placed.statement}")


def test_a_planted_statement_is_an_alarm_and_not_taken_over(clone: Clone) -> None:
    git = clone("alice")
    writer = Writer(git)
    path, _, statement = written(make_evidence(make_config()))
    statement["predicate"]["result"] = "FAILED"
    planted = writer.tree(None, {statement_path(path): writer.blob(format_statement(statement))})
    tip = writer.commit(planted, None, "planted\n")
    with pytest.raises(Tampered, match=r"its predicate\.result is not that of the record"):
        add_evidence(git, writer, tip, [make_evidence(make_config())])


def test_a_statement_written_by_another_version_stays_when_it_says_the_same(clone: Clone) -> None:
    git = clone("alice")
    writer = Writer(git)
    path, _, statement = written(make_evidence(make_config()))
    other = writer.blob(format_statement({**statement, "later": "field"}))
    tip = writer.commit(writer.tree(None, {statement_path(path): other}), None, "later\n")
    (placed,), _ = add_evidence(git, writer, tip, [make_evidence(make_config())])
    assert other == placed.statement_blob


def levels(git: Git) -> Level:
    registry = read_registry(git, remote="origin")
    return check_evidence(list(registry.releases["router"]), lambda names: read_objects(git, names), registry.evidence)


@pytest.mark.parametrize(("how", "said"), [("changed", "was changed: "), ("gone", "is not on the evidence branch")])
def test_a_statement_that_was_touched_after_the_release_is_found(clone: Clone, how: str, said: str) -> None:
    git = clone("alice")
    note = make_release(git, "origin", make_config(), "1.0.0").note
    assert note is not None
    assert note.statement is not None
    assert Level(name="evidence", state="held", checked=1) == levels(git)
    writer, tip = Writer(git), read_registry(git, remote="origin").evidence
    if how == "changed":
        tree = writer.tree(tip, {note.statement.name: writer.blob(b"{}\n")})
    else:
        entries = run_git(git.folder, "ls-tree", "-r", tip).split("\n")
        kept = [line.split() for line in entries if not line.endswith(".intoto.json")]
        tree = writer.tree(None, {path: blob for _, _, blob, path in kept})
    publish(git, "origin", [Update("refs/heads/llmops/evidence", writer.commit(tree, tip, "x\n"), tip)], wait=no_wait)
    found = levels(git)
    assert "failed" == found.state
    assert said in found.findings[0]


def test_signing_adds_an_envelope_once(clone: Clone, tmp_path: Path) -> None:
    git = clone("alice")
    sign_with_ssh(git.folder, ssh_key(tmp_path / "keys"))
    records = [make_evidence(make_config())]
    (unsigned,) = keep_evidence(git, "origin", records)
    signing = Signing(tags=True, commits=True)
    (signed,) = keep_evidence(git, "origin", records, signing=signing)
    assert unsigned == signed
    tip = read_registry(git, remote="origin").evidence
    assert run_git(git.folder, "rev-parse", f"{tip}:{envelope_path(signed.path)}")
    keep_evidence(git, "origin", records, signing=signing)
    assert tip == read_registry(git, remote="origin").evidence


@pytest.mark.parametrize("evidence", [record(queue="improved"), record("regressed", passes=False, queue="regressed")])
def test_the_library_of_in_toto_itself_reads_it(evidence: Evidence) -> None:
    from google.protobuf import json_format
    from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult
    from in_toto_attestation.v1 import resource_descriptor, statement_pb2
    from in_toto_attestation.v1 import statement as in_toto

    document = written(evidence)[2]
    message = json_format.ParseDict(document, statement_pb2.Statement())  # unknown fields are an error
    in_toto.Statement.copy_from_pb(message).validate()
    del document["predicate"]["llmopsGit"]
    predicate = json_format.ParseDict(document["predicate"], TestResult())
    assert document["predicate"]["result"] == predicate.result
    for descriptor in predicate.configuration:
        resource_descriptor.ResourceDescriptor.copy_from_pb(descriptor).validate()
