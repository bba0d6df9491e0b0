"""Drift of texts: how far the mean embedding of a sample moved, against what shuffling the two samples gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmops_git.monitoring.drift import Distance

SAMPLE = 128  # texts of each side
_SHUFFLES = 400
_SEED = 20_260_101

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]


def embedding_distance(before: Sequence[str], now: Sequence[str], embed: Embed, *, alpha: float) -> Distance:
    """One minus the cosine of the two mean vectors, less what it is on average when the texts are shuffled between the sides.

    `chance` is what a normal distribution with the mean and spread of the shuffles exceeds with `alpha`. Shuffling is seeded:
    the same texts give the same answer.
    """
    import numpy as np

    from llmops_git.evals.stats.normal import z_ppf

    vectors = np.asarray(embed([*before, *now]), dtype=np.float64)
    draws = np.random.default_rng(_SEED)

    def apart(order: Sequence[int]) -> float:
        left, right = vectors[order[: len(before)]].mean(axis=0), vectors[order[len(before) :]].mean(axis=0)
        length = float(np.linalg.norm(left) * np.linalg.norm(right))
        return 1 - float(left @ right) / length if length else 0.0

    everything = np.arange(len(vectors))
    raw = apart(everything.tolist())
    shuffled = np.array([apart(draws.permutation(everything).tolist()) for _ in range(_SHUFFLES)])
    usual, spread = float(shuffled.mean()), float(shuffled.std())
    return Distance(value=max(0.0, raw - usual), raw=raw, chance=usual + z_ppf(1 - alpha) * spread)


def local_embedder() -> Embed:
    """The small model that runs in this process. Raises LlmopsError without the extra `semantic`."""
    import os

    from llmops_git.configs.embedders import LOCAL_MODEL
    from llmops_git.providers.base import Request
    from llmops_git.providers.minilm import MiniLM
    from llmops_git.providers.vectors import decoded_vectors

    model = MiniLM("local", environ=os.environ)

    def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        messages = tuple({"role": "user", "content": text} for text in texts)
        request = Request(provider="local", model=LOCAL_MODEL, messages=messages)
        return decoded_vectors(model.generate(request, worker=0).text, len(texts))

    return embed
