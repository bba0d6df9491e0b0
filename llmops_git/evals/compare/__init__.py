"""Comparing two runs of one evaluation: pairs, soft scorers, absolute rules, ratios, flipped cases. Pure."""

from __future__ import annotations

from llmops_git.evals.compare.comparison import compare

__all__ = ["compare"]
