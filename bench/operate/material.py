"""A month of live traffic to measure on: 1,000,000 spans of 200,000 requests, the same each time.

    python bench/operate/material.py store FOLDER [--spans 1000000] [--days 30]     # a store: Parquet by day, and its manifest
    python bench/operate/material.py lines FILE   [--spans 100000]                  # OTLP JSON lines, as the runtime writes them

Two configs, five releases one after the other, four features, 2,000 users. A request has a root, a retrieval, a guardrail and a
call of the model; a part of them has a tool, an output guardrail, a signal or a score. From its third release on the first config
is slower, costlier and scores lower.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from llmops_git.monitoring.batch import DAY_NS, copy_sorted, span_file_name
from llmops_git.monitoring.columns import COLUMNS
from llmops_git.monitoring.manifest import Manifest, SpanFile
from llmops_git.monitoring.store import open_store, quoted

FIRST_DAY = 20_750  # since 1970: 2026-10-24
SPANS_PER_REQUEST = 5
MESSAGE = "Where is my order? It was promised for last week and nobody answers the phone. "

# one row a request, drawn by hashes of its number: the same on every machine
_REQUESTS = """
create temp table requests as
with drawn as (
  select n, (hash(n) >> 2)::BIGINT as h, (hash(n + 7) >> 2)::BIGINT as g, (hash(n + 13) >> 2)::BIGINT as k,
    {first_ns} + (n * {step_ns} + hash(n + 3) % {step_ns})::BIGINT as began,
    n / {requests} as share
  from range({requests}) as r(n)
)
select n, md5('request ' || n) as trace_id, began, h, g, k,
  case when h % 3 = 0 then 'answers' else 'support-router' end as config,
  case when h % 3 = 0 then case when share < 0.5 then 'v1.0.0' else 'v1.1.0' end
       when share < 0.35 then 'v1.0.0' when share < 0.7 then 'v1.0.1' else 'v1.1.0' end as version,
  'user-' || (g % 2000) as user_id,
  ['triage', 'search', 'chat', 'summary'][1 + (g >> 16) % 4] as feature,
  h % 3 <> 0 and share >= 0.7 as worse,
  exp(((k % 1000) / 1000.0 - 0.5) * 2.2) * 620 as base_ms,
  (k >> 12) % 1000 < 15 as failed
from drawn
"""

_STEPS = """
create temp table batch as
with steps(step, operation, step_name) as (values
  (0, 'invoke_workflow', ''), (1, 'retrieval', 'bm25'), (2, 'apply_guardrail', 'injection/prompt'), (3, 'chat', 'gpt-4.1-mini-2025-04-14'),
  (4, 'execute_tool', 'lookup_order'), (5, 'apply_guardrail', 'pii/email'), (6, 'signal', 'thumbs'), (7, 'evaluate', 'faithful')),
taken as (
  select *, base_ms * case when worse then 1.5 else 1.0 end as chat_ms
  from requests, steps
  where step < 4 or (step = 4 and h % 10 < 3) or (step = 5 and h % 10 between 3 and 8) or (step = 6 and g % 100 < 8) or (step = 7 and k % 100 < 5)
)
select
  trace_id, substr(md5(trace_id || step), 1, 16) as span_id, case when step = 0 then '' else substr(md5(trace_id || 0), 1, 16) end as parent_id,
  operation || ' ' || case when step = 0 then config else step_name end as name, operation, step = 0 as root, null::TIMESTAMP as ts,
  began + (case step when 0 then 0 when 1 then 1 when 2 then 30 when 3 then 32 when 4 then 32 + chat_ms when 5 then 33 + chat_ms else 40000 + chat_ms end * 1e6)::BIGINT as start_ns,
  case step when 0 then 40 + chat_ms when 1 then 20 + (g % 20) when 2 then 0.4 when 3 then chat_ms when 4 then 5.0 when 5 then 0.6 else 0.0 end as duration_ms,
  case when failed and step in (0, 3) then 'RateLimited' else '' end as error,
  'support' as service, 'production' as environment, config, 'llmops/' || config || '/' || version as release, 'sha256:' || sha256(config || version) as digest,
  user_id, feature, case when step = 0 then 'talk-' || (n // 3) else '' end as conversation_id,
  case when step = 3 then 'openai' else '' end as provider, case when step = 3 then step_name else '' end as model, case when step = 3 then step_name else '' end as response_model,
  case when step <> 3 then '' when failed then 'error' when worse and h % 40 = 1 then 'content_filter' else 'stop' end as finish_reason,
  case when step = 3 then 400 + (g >> 8) % 900 end::BIGINT as input_tokens,
  case when step = 3 and not failed then (20 + (k >> 24) % 200) * case when worse then 2 else 1 end end::BIGINT as output_tokens,
  case when step = 3 then (g >> 8) % 400 end::BIGINT as cached_tokens, null::BIGINT as reasoning_tokens,
  case when step = 3 then (400 + (g >> 8) % 900) * 4e-7 + (20 + (k >> 24) % 200) * case when worse then 2 else 1 end * 1.6e-6 end as cost_usd,
  case when step = 3 then chat_ms / 3 end as ttft_ms,
  case step when 2 then 'injection' when 5 then 'pii' else '' end as pack, case when step in (2, 5) then 'sha256:' || sha256(step_name) else '' end as pack_version,
  case step when 2 then 'prompt' when 5 then 'email' else '' end as rule, case step when 2 then 'input' when 5 then 'output' else '' end as guard_side,
  case when step not in (2, 5) then '' when step = 2 and k % 100 < 2 then 'block' when step = 5 and g % 100 < 9 then 'redact' when k % 1000 = 999 then 'error' else 'pass' end as guard_result,
  case when step = 4 then step_name else '' end as tool,
  case when step <> 6 then '' when (k >> 8) % 100 < case when worse then 45 else 15 end then 'thumbs_down' else 'thumbs_up' end as signal, null::DOUBLE as signal_value,
  case when step = 7 then step_name else '' end as scorer, case when step = 7 then greatest(0, least(1, (case when worse then 0.72 else 0.88 end) + ((g >> 24) % 200 - 100) / 800.0)) end as score,
  '' as score_label, case when step = 7 then 'sha256:' || sha256('faithful') else '' end as eval_digest, 1.0 as weight,
  case when step = 3 then {message} || n else '' end as input_text, case when step = 3 and not failed then 'It is on its way: parcel ' || n || '.' else '' end as output_text,
  case step when 3 then json_object('gen_ai.response.time_to_first_chunk', chat_ms / 3000, 'gen_ai.input.messages', {message} || n, 'gen_ai.output.messages', 'It is on its way: parcel ' || n || '.')
    when 1 then json_object('gen_ai.retrieval.top_k', 3, 'gen_ai.retrieval.documents', [json_object('id', 'help/' || (g % 40) || '.md#0', 'score', 0.8), json_object('id', 'help/' || (k % 40) || '.md#1', 'score', 0.7)])
    when 0 then json_object('gen_ai.prompt.variable.message', {message} || n) else '{{}}' end::VARCHAR as attributes
from taken
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["store", "lines"])
    parser.add_argument("place", type=Path)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    options = parser.parse_args()
    if options.what == "store":
        make_store(options.place, options.spans, options.days)
    else:
        make_lines(options.place, options.spans, options.days)


def make_store(folder: Path, spans: int = 1_000_000, days: int = 30) -> None:
    """A store of about `spans` spans, without raw files."""
    store = open_store(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, SpanFile] = {}
    with store.bare_connection() as connection:
        _draw(connection, spans, days)
        for day, rows, first, last in connection.execute(
            f"select start_ns // {DAY_NS}, count(*), min(start_ns), max(start_ns) from batch group by 1 order by 1"
        ).fetchall():
            name = span_file_name(day)
            part = folder / name.rpartition("/")[2]
            copy_sorted(connection, f"select * from batch where start_ns between {first} and {last}", part)
            files[name] = SpanFile(rows=rows, bytes=part.stat().st_size, first_ns=first, last_ns=last)
            store.files.take(part, name)
    store.commit(Manifest().changed(add=files))


def make_lines(file: Path, spans: int = 100_000, days: int = 30) -> None:
    """About `spans` spans as OTLP JSON lines, one a request, in the order of time."""
    from llmops_git.monitoring.columns import span_of_row
    from llmops_git.traces.otlp import to_otlp_line

    with open_store(file.parent).bare_connection() as connection, file.open("w") as out:
        _draw(connection, spans, days)
        found = connection.execute(
            f"select {', '.join(COLUMNS)} from batch order by min(start_ns) over (partition by trace_id), trace_id, start_ns"
        )
        columns = list(COLUMNS)
        group: list = []
        while rows := found.fetchmany(10_000):
            for row in rows:
                span = span_of_row(dict(zip(columns, row, strict=True)))
                if group and group[0].trace_id != span.trace_id:
                    out.write(to_otlp_line(_with_content(group)) + "\n")
                    group = []
                group.append(span)
        out.write(to_otlp_line(_with_content(group)) + "\n")


def _with_content(group: list) -> list:
    """The same, with about 2 KB of prompt and documents: what is written where content is captured."""
    from dataclasses import replace

    from llmops_git.traces.content import input_messages, output_messages

    said = []
    for span in group:
        found = dict(span.attributes)
        if "gen_ai.input.messages" in found:
            asked = [
                {"role": "system", "content": "Answer from the documents. " * 40},
                {"role": "user", "content": found["gen_ai.input.messages"]},
            ]
            found["gen_ai.input.messages"] = input_messages(asked)
            found["gen_ai.output.messages"] = output_messages(found["gen_ai.output.messages"], (), "stop")
        if "gen_ai.retrieval.documents" in found:
            documents = [json.loads(one) if isinstance(one, str) else one for one in found["gen_ai.retrieval.documents"]]
            found["gen_ai.retrieval.documents"] = tuple({**one, "content": "Parcels take two days. " * 15} for one in documents)
        found.pop("service.name", None)
        said.append(replace(span, attributes=found))
    return said


def _draw(connection, spans: int, days: int) -> None:
    requests = spans // SPANS_PER_REQUEST
    first = FIRST_DAY * DAY_NS
    connection.execute(_REQUESTS.format(requests=requests, first_ns=first, step_ns=days * DAY_NS // requests))
    connection.execute(_STEPS.format(message=quoted(MESSAGE)))


if __name__ == "__main__":
    main()
