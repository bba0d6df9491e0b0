"""How a scorer asks its judges and its embedder: through the run's cache, budget and patience, remembering what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmops_git.configs.values import Config
from llmops_git.errors import NotMeasured
from llmops_git.evals.buyer import Buyer
from llmops_git.evals.finding import NotFound, embed
from llmops_git.providers.base import Request
from llmops_git.scorers.base import Judgement

MOST_KEPT = 20_000  # characters of a judge's reply that go into the evidence


def answer_of(buyer: Buyer, request: Request) -> str:
    """The reply's text of a request that is the same for every sample. Raises NotFound when there is none."""
    purchase = buyer.buy(request, request.key(0))
    if purchase.reply is None:
        raise NotFound(purchase.error, purchase.message)
    return purchase.reply.text


class JudgeSession:
    """One sample under one scorer. `judgements` are the replies so far."""

    def __init__(self, judges: Sequence[Config], embedder: Any, repeat: int, buyer: Buyer) -> None:
        self._judges = judges
        self._embedder = embedder
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

    def embed(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        """A vector for each text, by the scorer's embedder; each text is embedded once in a run. Raises NotMeasured."""
        return tuple(embed(self._words, self._embedder, [text])[0] for text in texts)

    def _words(self, request: Request) -> str:
        return answer_of(self._buyer, request)
