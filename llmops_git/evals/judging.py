"""How a scorer asks its judges: through the run's cache, budget and patience, and remembering what they said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmops_git.configs.values import Config
from llmops_git.errors import NotMeasured
from llmops_git.evals.buyer import Buyer
from llmops_git.providers.base import Request
from llmops_git.scorers.base import Judgement

MOST_KEPT = 20_000  # characters of a judge's reply that go into the evidence


class JudgeSession:
    """One sample under one scorer. `judgements` are the replies so far."""

    def __init__(self, judges: Sequence[Config], repeat: int, buyer: Buyer) -> None:
        self._judges = judges
        self._repeat = repeat
        self._buyer = buyer
        self.judgements: list[Judgement] = []

    def generate(
        self, messages: tuple[Mapping[str, Any], ...], *, schema: Mapping[str, Any] | None = None, judge: int = 0
    ) -> str:
        """The words of one of the judges. Raises NotMeasured when it gave none."""
        config = self._judges[judge]
        model, output = config.resolved["model"], config.resolved.get("output") or {}
        request = Request(
            provider=model["provider"],
            model=model["id"],
            messages=messages,
            parameters=model.get("parameters") or {},
            output_schema=output.get("schema") or schema,
            sample=self._repeat,
        )
        key = request.key(self._repeat)
        purchase = self._buyer.buy(request, key)
        if purchase.reply is None:
            raise NotMeasured(f"judge `{config.name}`: {purchase.message}")
        self.judgements.append(Judgement(judge=config.name, key=key, reply=purchase.reply.text[:MOST_KEPT]))
        return purchase.reply.text

    def embed(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:  # noqa: ARG002
        """A judge has words and no vectors."""
        raise NotMeasured("a judge gives no embeddings")
