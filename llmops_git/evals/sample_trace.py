"""What happened to one sample, for its trace: its retrieval, each call of the model, each call of a tool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from llmops_git.configs.values import Case
from llmops_git.evals.agent import Call, Step
from llmops_git.evals.buyer import Purchase
from llmops_git.evals.guarding import Guard, Guarded
from llmops_git.evals.program import render_request
from llmops_git.evals.retry import Clock
from llmops_git.evals.samples import Job, Prepared, Retrieved
from llmops_git.evals.values import SampleResult
from llmops_git.traces.content import input_messages, output_messages
from llmops_git.traces.recorder import ChatStep, GuardStep, RetrievalStep, SampleSteps, ToolStep


def steps_of(
    prepared: Prepared,
    purchase: Purchase,
    result: SampleResult,
    clock: Clock,
    steps: Sequence[Step] = (),
    after: Guarded | None = None,
) -> SampleSteps:
    """What happened, as one request would have seen it: guardrails, finding documents, the call, guardrails again (`after`);
    no waiting in our own queues. The call holds the reply as it came, also where a guardrail changed it.

    The call of a sample without a tool loop has no content yet: `with_content` renders it when it is written, since
    keeping the messages of all samples would cost more than the evidence.
    """
    start_ns = purchase.start_ns - prepared.spent_ns
    turns = tuple(_turns(steps)) if steps else ()
    first = turns[0] if turns else _chat_step(purchase) if prepared.key else None
    before = tuple(_guard_steps(prepared.guarded, start_ns))
    found_ns = before[-1].end_ns if before else start_ns
    if isinstance(first, ChatStep) and after is not None and purchase.reply is not None and after.text != purchase.reply.text:
        first = replace(first, output_messages=output_messages(purchase.reply.text, (), purchase.reply.finish_reason))
    return SampleSteps(
        case=result.case,
        repeat=result.repeat,
        start_ns=start_ns,
        end_ns=max(clock.wall_ns(), purchase.end_ns),
        retrieval=_retrieval_step(prepared.retrieved, found_ns),
        guards=(*before, *_guard_steps(after, turns[-1].end_ns if turns else purchase.end_ns)),
        chat=first if isinstance(first, ChatStep) else None,
        later=turns[1:],
        inner=purchase.reply.trace if purchase.reply is not None else (),
        scores={name: score.value for name, score in result.scores.items() if score.value is not None},
        reasons={name: score.explanation for name, score in result.scores.items() if score.judgements and score.explanation},
        error=result.error,
    )


def _guard_steps(guarded: Guarded | None, start_ns: int) -> Iterator[GuardStep]:
    """The rules of one side, one after the other from `start_ns` on."""
    for one in guarded.results if guarded is not None else ():
        end_ns = start_ns + max(one.end_ns - one.start_ns, 0)
        scores = [finding.score for finding in one.findings if finding.score is not None]
        yield GuardStep(
            pack=one.pack,
            version=one.version,
            rule=one.rule,
            side=one.side,
            result=one.outcome,
            reason=one.reason or ", ".join(sorted({finding.label for finding in one.findings})),
            score=max(scores, default=None),
            start_ns=start_ns,
            end_ns=end_ns,
        )
        start_ns = end_ns


def _retrieval_step(retrieved: Retrieved | None, start_ns: int) -> RetrievalStep | None:
    if retrieved is None:
        return None
    return RetrievalStep(
        retriever=retrieved.retriever,
        top_k=retrieved.top_k,
        start_ns=start_ns,
        end_ns=start_ns + retrieved.spent_ns,
        documents=tuple((str(item.get("id", "")), float(item.get("score") or 0.0)) for item in retrieved.documents),
        query=retrieved.query,
        texts=tuple(str(item.get("text", "")) for item in retrieved.documents),
    )


def _chat_step(purchase: Purchase) -> ChatStep | None:
    """The call; None where none was made."""
    reply = purchase.reply
    if reply is None:
        if purchase.error == "budget":
            return None
        return ChatStep(start_ns=purchase.start_ns, end_ns=purchase.end_ns, error=purchase.error)
    return ChatStep(
        start_ns=purchase.start_ns,
        end_ns=purchase.end_ns,
        model=reply.model,
        engine=reply.engine,
        finish_reason=reply.finish_reason,
        input_tokens=reply.usage.input_tokens,
        output_tokens=reply.usage.output_tokens,
        cached_input_tokens=reply.usage.cached_input_tokens,
        reasoning_tokens=reply.usage.reasoning_tokens,
        cost_usd=purchase.cost_usd,
        cached=purchase.cached,
        ttft_seconds=reply.ttft_seconds,
    )


def with_content(job: Job, case: Case, steps: SampleSteps, output: str, guard: Guard | None = None) -> SampleSteps:
    """The steps with the messages of the one call that has none: rendered again, which gives the same."""
    chat = steps.chat
    if chat is None or chat.input_messages:
        return steps
    found = steps.retrieval
    documents = [
        {"id": name, "text": text, "score": score}
        for (name, score), text in zip(found.documents, found.texts, strict=True)
    ] if found else ()  # fmt: skip
    seen = case if guard is None else replace(case, inputs=guard.redacted(case.inputs))
    asked = input_messages(render_request(job.config, seen, documents).messages)
    said = chat.output_messages or ("" if chat.error else output_messages(output, (), chat.finish_reason))
    return replace(steps, chat=replace(chat, input_messages=asked, output_messages=said))


def _turns(steps: Sequence[Step]) -> Iterator[ChatStep | ToolStep]:
    """Calls of the model and of tools, one after the other: what came from the cache took the time that it once took."""
    known, late = 0, 0  # messages of the step before; how far steps are behind their own times
    for step in steps:
        purchase, messages = step.purchase, step.request.messages
        chat = _chat_step(purchase)
        if chat is None:
            return
        chat = replace(
            chat,
            start_ns=max(chat.start_ns, late),
            end_ns=max(chat.start_ns, late) + chat.end_ns - chat.start_ns,
            input_messages=input_messages(messages[known:]),
        )
        if purchase.reply is not None:
            calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in step.calls]
            said = output_messages(purchase.reply.text, calls, purchase.reply.finish_reason)
            chat = replace(chat, output_messages=said)
        yield chat
        known, late = len(messages), chat.end_ns
        for call in step.calls:
            tool = _tool_step(call, late)
            late = tool.end_ns
            yield tool


def _tool_step(call: Call, after: int) -> ToolStep:
    return ToolStep(
        id=call.id,
        name=call.name,
        arguments=call.arguments,
        start_ns=after,
        end_ns=after + call.end_ns - call.start_ns,
        result=call.result,
        recorded=call.recorded,
        error=call.error,
    )
