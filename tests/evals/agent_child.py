"""One tool loop against a server, as a process of its own: `python agent_child.py API URL REPLIES`. Prints its output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from eval_material import make_config, make_evaluation, make_job

from llmops_git.configs.policy import Budget, ProviderSettings
from llmops_git.configs.values import Case
from llmops_git.evals.cache import Cache
from llmops_git.evals.run import evaluate
from llmops_git.evals.values import SampleResult
from llmops_git.providers.table import open_provider

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def main(api: Any, url: str, replies: str) -> SampleResult:
    provider = open_provider(ProviderSettings(name="fake", api=api, base_url=url, stream=False, timeout=30), environ={})
    case = Case(id="c0", inputs={"word": "w"}, expected="done", tools=({"name": "look", "result": "shipped"},))
    job = make_job(make_config(tools=[TOOL], max_steps=4), make_evaluation([case]))
    outcome = evaluate([job], providers={"fake": provider}, cache=Cache(Path(replies)), budget=Budget(), prices={})
    provider.close()
    return outcome.runs[0].samples[0]


if __name__ == "__main__":
    sample = main(*sys.argv[1:])
    sys.stdout.write(f"{sample.output} {sample.finish_reason} {sample.usage.input_tokens}")
