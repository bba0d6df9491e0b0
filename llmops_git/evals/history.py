"""How long replies were before, by case: what a plan reckons with instead of the longest that a config allows. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from llmops_git.evals.values import Run


class History:
    """Output tokens of earlier replies, by eval digest and case: of the base, of other repeats, of a run before."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._cases: dict[tuple[str, str], tuple[int, int]] = {}  # -> (replies, their tokens)
        self._all: dict[str, tuple[int, int]] = {}
        for run in runs:
            for sample in run.samples:
                self.learn(run.eval_digest, sample.case, sample.usage.output_tokens)

    def learn(self, eval_digest: str, case: str, tokens: int | None) -> None:
        if tokens is None:
            return
        count, total = self._cases.get((eval_digest, case), (0, 0))
        self._cases[eval_digest, case] = (count + 1, total + tokens)
        count, total = self._all.get(eval_digest, (0, 0))
        self._all[eval_digest] = (count + 1, total + tokens)

    def tokens(self, eval_digest: str, case: str) -> int | None:
        """The mean of the case's replies, or of all of its eval set; None where nothing was answered yet. Rounded up."""
        count, total = self._cases.get((eval_digest, case)) or self._all.get(eval_digest, (0, 0))
        return -(-total // count) if count else None
