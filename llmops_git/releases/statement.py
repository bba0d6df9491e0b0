"""The in-toto statement of an evaluation: what the evidence says, for programs that know nothing of llmops-git. Pure.

Formats: in-toto Statement v1, predicate test-result v0.1, DSSE v1 (PAE: `DSSEv1 <length> <type> <length> <body>`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from llmops_git.releases.evidence import Evidence

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
GATE = "gate"  # the name of the test that stands for the gate as a whole
_SSH_ARMOR = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")


def statement_path(evidence_path: str) -> str:
    """Where the statement about a record lies: beside it."""
    return evidence_path.removesuffix(".json") + ".intoto.json"


def envelope_path(evidence_path: str) -> str:
    """Where the signed envelope with the statement lies."""
    return evidence_path.removesuffix(".json") + ".dsse.json"


def statement_of(evidence: Evidence, path: str, data: bytes) -> dict[str, Any]:
    """The statement about a record; `path` and `data` are its place on the evidence branch and its bytes.

    `result` is FAILED when the gate does not pass, WARNED when it lets something inconclusive pass, else PASSED.
    """
    tests = _tests(evidence)
    result = "FAILED" if not evidence.gate_passes else "PASSED" if evidence.verdict in ("improved", "unchanged") else "WARNED"
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": evidence.config, "digest": {"sha256": _hex(evidence.config_digest)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": result,
            "configuration": _configuration(evidence, path, data),
            "passedTests": tests["passed"],
            "warnedTests": tests["warned"],
            "failedTests": tests["failed"],
            "llmopsGit": {
                "verdict": evidence.verdict,
                "gatePasses": evidence.gate_passes,
                "against": evidence.against,
                "baseName": evidence.base_name,
                "reasons": list(evidence.reasons),
                "scores": evidence.scores.get("scores", {}),
            },
        },
    }


def _tests(evidence: Evidence) -> dict[str, list[str]]:
    """The scorers by how they ended. A loss that the gate let pass is a warning: only what it stopped has failed."""
    found: dict[str, list[str]] = {"passed": [], "warned": [], "failed": []}
    found["passed" if evidence.gate_passes else "failed"].append(GATE)
    scores = evidence.scores.get("scores")
    for name, score in sorted(scores.items()) if isinstance(scores, Mapping) else []:
        verdict = score.get("verdict") if isinstance(score, Mapping) else None
        lost = verdict in ("regressed", "invalid") and not evidence.gate_passes
        found["failed" if lost else "passed" if verdict in ("improved", "unchanged") else "warned"].append(f"score/{name}")
    return found


def _configuration(evidence: Evidence, path: str, data: bytes) -> list[dict[str, Any]]:
    """What the evaluation was: eval set, scorers, judges and gate by their digest; the whole record; what it compared with."""
    found: list[dict[str, Any]] = [
        {"name": "evaluation", "digest": {"sha256": _hex(evidence.eval_digest)}},
        {"name": path, "digest": {"sha256": hashlib.sha256(data).hexdigest()}, "mediaType": "application/json"},
    ]
    if evidence.base_digest:
        found.append({"name": "baseline", "digest": {"sha256": _hex(evidence.base_digest)}})
    return found


def format_statement(document: Mapping[str, Any]) -> bytes:
    """The bytes of a statement or an envelope: JSON with sorted keys, one newline at the end."""
    return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def disagreements(statement: bytes, evidence: Evidence, path: str, data: bytes) -> list[str]:
    """Where a statement does not say what its record says, field by field; fields that it has beyond that are ignored."""
    try:
        found = json.loads(statement)
    except (ValueError, RecursionError):
        return ["it is not JSON"]
    expected = statement_of(evidence, path, data)
    if not isinstance(found, dict) or not isinstance(found.get("predicate"), dict):
        return ["it is not a statement"]
    wrong = [key for key in ("_type", "subject", "predicateType") if found.get(key) != expected[key]]
    keys = ("result", "configuration", "passedTests", "warnedTests", "failedTests")
    wrong += [f"predicate.{key}" for key in keys if found["predicate"].get(key) != expected["predicate"][key]]
    return [f"its {key} is not that of the record" for key in wrong]


def pre_authentication(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """What is signed of an envelope (DSSE v1, PAE). It begins like no object of git, so one key can sign both."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def envelope_of(statement: bytes, signature: bytes) -> dict[str, Any]:
    """The envelope of a statement with one signature, armored as ssh-keygen or gpg writes it."""
    sig = base64.b64encode(signature).decode()
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(statement).decode(),
        "signatures": [{"keyid": key_id(signature), "sig": sig}],
    }


def read_envelope(data: bytes) -> tuple[bytes, Sequence[bytes]] | None:
    """The statement in an envelope and its signatures; None when it is not one of ours."""
    try:
        document = json.loads(data)
        if document["payloadType"] != PAYLOAD_TYPE:
            return None
        payload = base64.b64decode(document["payload"], validate=True)
        return payload, [base64.b64decode(entry["sig"], validate=True) for entry in document["signatures"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def key_id(signature: bytes) -> str:
    """The fingerprint of the SSH key that made a signature, as ssh-keygen shows it; "" for other signatures.

    Format: PROTOCOL.sshsig of OpenSSH: `SSHSIG`, version, then the public key as a string with its length in 4 bytes.
    """
    text = signature.decode(errors="replace").strip()
    if not (text.startswith(_SSH_ARMOR[0]) and text.endswith(_SSH_ARMOR[1])):
        return ""
    try:
        blob = base64.b64decode("".join(text.split("\n")[1:-1]), validate=True)
    except binascii.Error:
        return ""
    start = len(b"SSHSIG") + 4
    length = int.from_bytes(blob[start : start + 4])
    key = blob[start + 4 : start + 4 + length]
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
