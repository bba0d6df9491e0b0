"""Scorers of other packages: really installed, allowed by name, never out of the repository, held to their promises."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from llmops_git.configs.schema import load_schema
from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.table import build_scorer

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(__file__).parent / "example_package"
HEAD = """
import json, sys
from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Sample
from llmops_git.scorers.table import build_scorer
use, output, options = json.loads(sys.argv[1])
settings = ScorerSettings(name="s", use=use, options={"options": options})
try:
    score = build_scorer(settings, allowed=[use]).score(Sample(inputs={}, expected=None, output=output), None)
    print(json.dumps([score.state, score.value, score.explanation]))
except LlmopsError as error:
    print(json.dumps(["error", error.message, error.hint]))
"""
BROKEN = """
class Scorer:
    direction, scale, step, ratio = "higher", "continuous", 0.25, False
    def __init__(self, value): self.value = value
    def score(self, sample, session):
        from llmops_git.scorers.base import Score
        return "good" if self.value == "text" else Score(value=self.value)
def build(settings): return Scorer(settings.options["value"])
def fails(settings): raise RuntimeError("no such model")
def nothing(settings): return object()
"""


class Installation:
    """A virtual environment of its own, with llmops-git and what is installed into it."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False)
        self.python = folder / "bin" / "python"
        self.site = next((folder / "lib").glob("python*/site-packages"))
        (self.site / "outer.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")

    def install(self, package: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
        subprocess.run([*pip, "--no-build-isolation", "--target", str(self.site), str(package)], check=True)

    def record(self, name: str, entries: dict[str, str], code: str) -> None:
        """What an installer writes: a module and a record of it."""
        record_in(self.site, name, entries, code)

    def score(self, use: str, output: str = "quiet", folder: Path | None = None, **options: object) -> list[object]:
        arguments = [str(self.python), "-c", HEAD, json.dumps([use, output, options])]
        found = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=folder or self.site)
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout)


def record_in(folder: Path, name: str, entries: dict[str, str], code: str) -> None:
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{key} = {value}\n" for key, value in entries.items())
    (info / "entry_points.txt").write_text(f"[llmops_git.scorers]\n{lines}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("installed")
    package = folder / "package"
    for file in EXAMPLE.rglob("*"):
        if file.suffix in {".py", ".toml"}:
            target = package / file.relative_to(EXAMPLE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    found = Installation(folder / "venv")
    found.install(package)
    entries = {
        "other.values": "others:build",
        "other.fails": "others:fails",
        "other.nothing": "others:nothing",
        "twice.here": "others:build",
    }
    found.record("others", entries, BROKEN)
    found.record("copies", {"twice.here": "copies:build"}, BROKEN)
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository that brings a package of its own, and a module with the name of one that is installed."""
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    record_in(folder, "evil", {"evil.scorer": "evil:build"}, "raise SystemExit('the repository was run')")
    return folder


def test_an_installed_scorer_scores(installed: Installation) -> None:
    assert installed.score("acme.calm", "WHY me") == ["measured", 0.4, "60% capital letters"]
    assert installed.score("acme.calm", "WHY me", tolerated=0.5) == ["measured", pytest.approx(0.9), "60% capital letters"]


def test_the_example_of_the_document_is_the_package_that_is_installed_here() -> None:
    document = (ROOT / "docs" / "scorers.md").read_text()
    for file in ("pyproject.toml", "acme_scorers/calm.py"):
        assert (EXAMPLE / file).read_text().strip() in document


def test_a_scorer_that_the_policy_does_not_allow_is_refused_before_it_is_looked_for() -> None:
    with pytest.raises(LlmopsError) as caught:
        build_scorer(ScorerSettings(name="tone", use="acme.calm"), allowed=["acme.other"])
    assert caught.value.message == "scorer `tone`: `acme.calm` is code of another package, and the policy does not allow it"
    assert caught.value.hint.startswith("scorers: {allow: [acme.calm]} in llmops.yaml")


def test_a_scorer_that_nobody_installed_is_said_to_be_missing(installed: Installation) -> None:
    assert installed.score("acme.unknown")[1] == "scorer `s`: no installed package has a scorer `acme.unknown`"


def test_two_packages_with_one_name_are_an_error(installed: Installation) -> None:
    assert installed.score("twice.here")[1] == "scorer `s`: several packages have a scorer `twice.here`: copies 1.0, others 1.0"


def test_an_entry_point_in_the_repository_is_not_one_of_an_installed_package(installed: Installation, checkout: Path) -> None:
    assert installed.score("evil.scorer", folder=checkout)[1] == "scorer `s`: no installed package has a scorer `evil.scorer`"


def test_a_module_of_the_repository_does_not_stand_in_for_an_installed_one(installed: Installation, checkout: Path) -> None:
    (checkout / "others.py").write_text("raise SystemExit('the repository was run')")
    found = installed.score("other.values", folder=checkout, value=1)
    assert found[0] == "error"
    assert "the repository that is being looked at" in str(found[1])


@pytest.mark.parametrize(
    ("value", "explanation"),
    [(1.5, "the scorer gave 1.5, which is not from 0 to 1"), (-1, "the scorer gave -1, which is not from 0 to 1"),
     (True, "the scorer gave True"), (None, "the scorer gave None"), ("text", "the scorer gave a str and no Score")],
)  # fmt: skip
def test_a_value_out_of_range_is_not_measured(installed: Installation, value: object, explanation: str) -> None:
    assert installed.score("other.values", value=value) == ["not_measured", None, explanation]


def test_a_package_that_fails_is_named(installed: Installation) -> None:
    message = "scorer `s`: others 1.0 cannot make `other.fails`: RuntimeError: no such model"
    assert installed.score("other.fails")[1] == message
    undeclared = "scorer `s`: others 1.0: the scorer `other.nothing` does not declare direction, scale, step and ratio"
    assert installed.score("other.nothing")[1] == undeclared


@pytest.mark.parametrize("use", ["acme.calm", "a.b.c", "9x.y_z-1"])
def test_the_schema_takes_the_name_of_another_packages_scorer(use: str) -> None:
    assert faults({"use": use, "options": {"tolerated": 0.1}, "negate": True}) == []


@pytest.mark.parametrize(
    "scorer", [{"use": "acme."}, {"use": ".calm"}, {"use": "acme calm.x"}, {"use": "acme.calm", "tolerated": 1}]
)
def test_the_schema_refuses_what_is_no_such_name_or_setting(scorer: dict[str, object]) -> None:
    assert faults(scorer) != []


def faults(scorer: dict[str, object]) -> list[str]:
    schema = load_schema("config")["properties"]["evaluation"]["properties"]["scorers"]["additionalProperties"]
    return [error.message for error in Draft202012Validator(schema).iter_errors(scorer)]
