"""What is known of judges: `labels/<judge>/calibration.json`, as `llmops-git calibrate --write` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops_git.configs.json_file import parse_json
from llmops_git.configs.policy import Calibration
from llmops_git.configs.tree import EXECUTABLE_MODE, FILE_MODE, Tree
from llmops_git.errors import InvalidInput, Problem

FOLDER = "labels"
FILE = "calibration.json"
SCHEMA = "llmops-git/calibrate/1"


def load_calibrations(tree: Tree, root: str) -> dict[str, Calibration]:
    """The calibrations below the policy's folder, by the judge's digest. Raises InvalidInput for a file that is none."""
    folder = f"{root}/{FOLDER}" if root else FOLDER
    plain = (FILE_MODE, EXECUTABLE_MODE)
    paths = sorted(path for path, entry in tree.walk(folder).items() if path.endswith(f"/{FILE}") and entry.mode in plain)
    found = {}
    for path, data in tree.read(paths).items():
        digest, calibration = _calibration(parse_json(data, path), path)
        found[digest] = calibration
    return found


def _calibration(document: Any, path: str) -> tuple[str, Calibration]:
    hint = "make it again: llmops-git calibrate JUDGE --write"
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        raise InvalidInput([Problem(path=path, message="is not a calibration", hint=hint)])
    judge, digest, labels, kappa = (document.get(name) for name in ("judge", "judge_digest", "labels", "kappa"))
    value = kappa.get("value") if isinstance(kappa, Mapping) else None
    if (
        not (isinstance(judge, str) and isinstance(digest, str))
        or isinstance(labels, bool)
        or not isinstance(labels, int)
        or not isinstance(value, int | float | None)
    ):
        message = "judge, judge_digest, labels or kappa is not as it was written"
        raise InvalidInput([Problem(path=path, message=message, hint=hint)])
    return digest, Calibration(judge=judge, labels=labels, kappa=None if value is None else float(value))
