"""The table: unknown names, ratio scorers, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Sample
from llmops_git.scorers.table import build_scorer


def test_an_unknown_scorer_is_refused_with_a_suggestion():
    with pytest.raises(LlmopsError) as caught:
        build_scorer(ScorerSettings(name="queue", use="exakt"))
    assert caught.value.message == "scorer `queue`: there is no scorer `exakt`"
    assert caught.value.hint == "did you mean `exact`?"


def test_a_request_of_unknown_duration_is_not_measured():
    score = build_scorer(ScorerSettings(name="speed", use="latency")).score(Sample(inputs={}, expected=None, output="x"), None)
    assert (score.state, score.label) == ("not_measured", "latency")


def test_building_text_scorers_imports_no_heavy_module():
    code = (
        "import sys\n"
        "from llmops_git.configs.values import ScorerSettings\n"
        "from llmops_git.scorers.table import build_scorer\n"
        "for use in ('exact', 'contains', 'numeric', 'latency', 'cost'):\n"
        "    build_scorer(ScorerSettings(name='s', use=use))\n"
        "print(sorted({'jsonschema', 'jinja2', 'regex', 'httpx', 'git'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
