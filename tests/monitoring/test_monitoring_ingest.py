"""Reading traces in: whoever wrote them, whatever is wrong with them, how often it is tried."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from live_material import NEW, OLD, START_NS, live_lines, live_spans

from llmops_git.errors import LlmopsError
from llmops_git.monitoring import fast_json
from llmops_git.monitoring.columns import row_of
from llmops_git.monitoring.compact import compact
from llmops_git.monitoring.ingest import Ingested, ingest
from llmops_git.monitoring.otlp_rows import MOST_ATTRIBUTES, MOST_TEXT
from llmops_git.monitoring.store import Store, open_store
from llmops_git.monitoring.texts import asked_in, replied_in
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span

NOW_NS = START_NS + 86_400 * 10**9
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def write(file: Path, lines: list[str], end: str = "\n") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + end)
    return file


def read_in(store: Store, *paths: Path) -> Ingested:
    return ingest(store, list(paths), now_ns=NOW_NS)


def rows(store: Store, query: str) -> list[tuple]:
    with store.connection() as connection:
        return connection.execute(query).fetchall()


def quarantine(store: Store) -> list[dict]:
    found = [line for name in store.manifest().quarantined for line in store.files.read(name).splitlines()]
    return [json.loads(line) for line in found]


def otlp(*spans: dict, resource: dict | None = None) -> str:
    about = {"resource": {"attributes": [{"key": k, "value": {"stringValue": v}} for k, v in (resource or {}).items()]}}
    return json.dumps({"resourceSpans": [{**about, "scopeSpans": [{"spans": list(spans)}]}]})


def span(number: int = 1, *, trace: str = TRACE, parent: str = "", attributes: list | None = None, **fields) -> dict:
    written = {"traceId": trace, "spanId": f"{number:016x}", "name": "chat m", "startTimeUnixNano": str(START_NS + number)}
    written |= {"endTimeUnixNano": str(START_NS + number + 1_000_000), "attributes": attributes or []}
    return written | ({"parentSpanId": parent} if parent else {}) | fields


def said(**values: str) -> list[dict]:
    return [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in values.items()]


def test_every_span_of_the_runtime_becomes_a_row_and_that_row_the_same_span(tmp_path: Path) -> None:
    spans = live_spans(requests=40)
    store = open_store(tmp_path / "store")
    result = read_in(store, write(tmp_path / "app.jsonl", live_lines(spans)))
    assert (len(spans), 0, 0, 0) == (result.spans, result.duplicates, result.quarantined, result.left)
    found = {one.span_id: one for trace in {s.trace_id for s in spans} for one in store.read_trace(trace)}
    for one in spans:
        read = found[one.span_id]
        expected = {**one.attributes, names.SERVICE_NAME: "llmops-git"}
        assert expected == dict(read.attributes)
        assert (one.name, one.kind, one.start_ns, one.end_ns, one.error) == (
            read.name, read.kind, read.start_ns, read.end_ns, read.error
        )  # fmt: skip
        assert (one.trace_id, one.parent_id) == (read.trace_id, read.parent_id)


def test_a_row_of_the_view_is_what_row_of_says(tmp_path: Path) -> None:
    spans = live_spans(requests=10)
    store = open_store(tmp_path / "store")
    read_in(store, write(tmp_path / "app.jsonl", live_lines(spans)))
    with store.connection() as connection:
        found = connection.execute(
            "select * replace (dt::varchar as dt, strftime(ts, '%Y-%m-%d %H:%M:%S.%f') as ts) from spans"
        )
        columns = [one[0] for one in found.description]
        read = {row[columns.index("span_id")]: dict(zip(columns, row, strict=True)) for row in found.fetchall()}
    for one in spans:
        expected = row_of(one, {names.SERVICE_NAME: "llmops-git"})
        assert expected == read[one.span_id]


def test_what_was_read_is_not_read_again_and_what_was_added_is(tmp_path: Path) -> None:
    lines = live_lines(live_spans(requests=20))
    store = open_store(tmp_path / "store")
    file = write(tmp_path / "app.jsonl", lines[:12])
    first = read_in(store, file)
    again = read_in(store, file)
    assert (0, 0) == (again.spans, again.lines)
    with file.open("a") as out:
        out.write("\n".join(lines[12:]) + "\n")
    file.rename(tmp_path / "app.jsonl.1")  # rotated: the same file under another name
    more = read_in(store, tmp_path / "app.jsonl.1")
    assert 8 == more.lines
    assert len(live_spans(requests=20)) == first.spans + more.spans
    assert [(20,)] == rows(store, "select count(*) from spans where root")


def test_duplicates_within_a_file_and_across_files_are_kept_once(tmp_path: Path) -> None:
    lines = live_lines(live_spans(requests=10))
    total = len(live_spans(requests=10))
    store = open_store(tmp_path / "store")
    first = read_in(store, write(tmp_path / "one.jsonl", [*lines, *lines[:3]]))
    second = read_in(store, write(tmp_path / "two.jsonl", ["", *reversed(lines)]))
    assert (total, total) == (first.spans, second.duplicates)
    assert 0 == second.spans
    assert first.duplicates > 0
    assert [(total, total)] == rows(store, "select count(*), count(distinct trace_id || span_id) from spans")


def test_a_line_that_is_still_being_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    lines = live_lines(live_spans(requests=3))
    store = open_store(tmp_path / "store")
    file = write(tmp_path / "app.jsonl", lines[:2])
    with file.open("a") as out:
        out.write(lines[2][:200])
    os.utime(file, (NOW_NS / 1e9, NOW_NS / 1e9))
    first = read_in(store, file)
    assert (2, 1, 0) == (first.lines, first.left, first.quarantined)
    with file.open("a") as out:
        out.write(lines[2][200:])  # whole, though its newline is yet to come
    os.utime(file, (NOW_NS / 1e9, NOW_NS / 1e9))
    second = read_in(store, file)
    assert (1, 0, 0) == (second.lines, second.left, second.quarantined)
    assert [(3,)] == rows(store, "select count(*) from spans where root")


def test_a_half_written_line_that_nobody_finishes_goes_to_quarantine_after_a_day(tmp_path: Path) -> None:
    lines = live_lines(live_spans(requests=2))
    store = open_store(tmp_path / "store")
    file = write(tmp_path / "app.jsonl", [lines[0], lines[1][:100]], end="")
    long_ago = NOW_NS / 1e9 - 90_000
    os.utime(file, (long_ago, long_ago))
    result = read_in(store, file)
    assert (1, 0) == (result.quarantined, result.left)
    (entry,) = quarantine(store)
    assert (str(file), len(lines[0]) + 1, lines[1][:100]) == (entry["file"], entry["offset"], entry["line"])
    assert "not a line of OTLP JSON" in entry["reason"]
    assert 0 == read_in(store, file).quarantined


def test_a_writer_that_wrote_on_in_the_line_of_one_that_was_killed_loses_nothing(tmp_path: Path) -> None:
    lines = live_lines(live_spans(requests=3))
    store = open_store(tmp_path / "store")
    result = read_in(store, write(tmp_path / "app.jsonl", [lines[0], lines[1][:333] + lines[2]]))
    assert 1 == result.quarantined
    assert [(2,)] == rows(store, "select count(*) from spans where root")
    assert lines[1][:333] == quarantine(store)[0]["line"]


@pytest.mark.parametrize("damaged", ["", "{", "[]", "null", "7", '{"a": 1}', '{"resourceSpans": 7}', '{"resourceSpans": [7]}',
                                     '{"resourceLogs": []}', '{"resourceSpans": [{"scopeSpans": [{"spans": 3}]}]}', "\x00\xff",
                                     "[" * 100_000, '{"a":' * 5_000])  # fmt: skip
def test_damaged_lines_never_take_the_others_with_them(tmp_path: Path, damaged: str) -> None:
    lines = live_lines(live_spans(requests=2))
    store = open_store(tmp_path / "store")
    file = tmp_path / "app.jsonl"
    file.write_bytes(f"{lines[0]}\n".encode() + damaged.encode("latin-1") + b"\n" + f"{lines[1]}\n".encode())
    result = read_in(store, file)
    assert [(2,)] == rows(store, "select count(*) from spans where root")
    assert (1 if damaged else 0) == result.quarantined


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"traceId": "0" * 32}, "its id is"),
        ({"traceId": "not hex"}, ""),
        ({"spanId": None}, ""),
        ({"spanId": 7}, ""),
        ({"startTimeUnixNano": "0"}, "before 2000"),
        ({"startTimeUnixNano": "-5"}, "before 2000"),
        ({"startTimeUnixNano": "9" * 400}, "in the future"),
        ({"startTimeUnixNano": str(NOW_NS + 2 * 86_400 * 10**9)}, "in the future"),
        ({"startTimeUnixNano": "soon"}, "invalid literal"),
        ({"startTimeUnixNano": "1" * 5000}, ""),
        ({"attributes": 7}, ""),
        ({"attributes": [{"key": ["a"], "value": {"stringValue": "b"}}]}, ""),
        ({"attributes": [{"value": {"stringValue": "b"}}]}, "it has no key"),
        ({"attributes": [{"key": "a", "value": {"intValue": "x"}}]}, ""),
        ({"status": 7}, ""),
    ],
)  # fmt: skip
def test_a_span_that_cannot_be_one_is_refused_alone(tmp_path: Path, fields: dict, reason: str) -> None:
    store = open_store(tmp_path / "store")
    result = read_in(
        store, write(tmp_path / "app.jsonl", [otlp(span(1), {**span(2), **fields}, span(3), resource={"service.name": "s"})])
    )
    assert (2, 1) == (result.spans, result.quarantined)
    (entry,) = quarantine(store)
    assert reason in entry["reason"]
    refused = json.loads(entry["line"])["resourceSpans"][0]
    assert "s" == refused["resource"]["attributes"][0]["value"]["stringValue"]
    assert {**span(2), **fields} == refused["scopeSpans"][0]["spans"][0]


def test_hostile_values_are_cut_and_do_not_crash(tmp_path: Path) -> None:
    deep: dict = {"stringValue": "bottom"}
    for _ in range(200):
        deep = {"arrayValue": {"values": [deep]}}
    values = {
        "nan": {"doubleValue": "NaN"}, "inf": {"doubleValue": "-Infinity"}, "raw": {"doubleValue": float("nan")},
        "huge": {"intValue": "9" * 60}, "surrogate": {"stringValue": "a\ud800b"}, "nul": {"stringValue": "a\x00b"},
        "bytes": {"bytesValue": "AAEC"}, "deep": deep, "empty": {}, "none": None, "odd": {"stringValue": 7},
        "list": {"arrayValue": {"values": [{"intValue": "1"}, {}, {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}]}}]}},
        "long": {"stringValue": "x" * (MOST_TEXT + 5)},
        names.INPUT_TOKENS: {"stringValue": "many"}, names.COST_USD: {"doubleValue": 1e308}, names.OUTPUT_TOKENS: {"intValue": "-4"},
        names.USER: {"arrayValue": {"values": []}}, names.OPERATION: {"stringValue": "chat"},
        names.INPUT_MESSAGES: {"stringValue": "[" * 10_000}, names.FINISH_REASONS: {"stringValue": "stop"},
    }  # fmt: skip
    attributes = [{"key": key, "value": value} for key, value in values.items()]
    store = open_store(tmp_path / "store")
    result = read_in(store, write(tmp_path / "app.jsonl", [otlp(span(1, attributes=attributes))]))
    assert (1, 0) == (result.spans, result.quarantined)
    (read,) = store.read_trace(TRACE)
    found = read.attributes
    assert ("nan", "-inf", "nan") == (found["nan"], found["inf"], found["raw"])
    assert ("9" * 60, "a?b", "a\x00b", None, None, "7") == tuple(
        found[name] for name in ("huge", "surrogate", "nul", "empty", "none", "odd")
    )
    assert (1, None, {"k": True}) == found["list"]
    assert "AAEC" == found["bytes"]
    assert "… (5 more characters)" == found["long"][MOST_TEXT:]
    assert "bottom" not in json.dumps(found["deep"])
    assert [(None, None, None, "", "stop")] == rows(
        store, "select input_tokens, cost_usd, output_tokens, user_id, finish_reason from spans"
    )
    assert ("many", -4) == (found[names.INPUT_TOKENS], found[names.OUTPUT_TOKENS])


def test_a_million_attribute_values_are_one_row_that_says_how_many_were_left_out(tmp_path: Path) -> None:
    many = [{"key": f"k{number}", "value": {"intValue": "1"}} for number in range(100_000)]
    values = {"arrayValue": {"values": [{"intValue": "7"}] * 900_000}}
    big = [{"key": f"t{number}", "value": {"stringValue": "y" * 90_000}} for number in range(100)]
    store = open_store(tmp_path / "store")
    lines = [
        otlp(span(1, attributes=many)),
        otlp(span(2, attributes=[{"key": "v", "value": values}])),
        otlp(span(3, attributes=big)),
    ]
    assert 3 == read_in(store, write(tmp_path / "app.jsonl", lines)).spans
    first, second, third = store.read_trace(TRACE)
    assert 100_000 - MOST_ATTRIBUTES == first.attributes["llmops.ingest.dropped"]
    assert MOST_ATTRIBUTES == len(second.attributes["v"])
    assert "its texts were cut to 2,000 characters" in third.attributes["llmops.ingest.note"]
    assert 2_000 == len(third.attributes["t99"])


def test_a_clock_that_went_back_within_a_span_is_noted_and_counts_no_time(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    lines = [
        otlp(span(1, endTimeUnixNano=str(START_NS - 5)), span(2, endTimeUnixNano=str(2**64 - 1)), span(3, endTimeUnixNano="0"))
    ]
    read_in(store, write(tmp_path / "app.jsonl", lines))
    first, second, third = store.read_trace(TRACE)
    assert [(0.0,), (0.0,), (0.0,)] == rows(store, "select duration_ms from spans order by start_ns")
    assert "before it began" in first.attributes["llmops.ingest.note"]
    assert "a year after" in second.attributes["llmops.ingest.note"]
    assert "llmops.ingest.note" not in third.attributes


def test_bounds_on_lines_hold_for_lines_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmops_git.monitoring.sources.MOST_LINE", 20_000)
    lines = live_lines(live_spans(requests=2))
    store = open_store(tmp_path / "store")
    result = read_in(store, write(tmp_path / "app.jsonl", [lines[0], "x" * 70_000, lines[1]]))
    assert [(2,)] == rows(store, "select count(*) from spans where root")
    assert 1 == result.quarantined
    assert "longer than a line may be (70,001 bytes)" in quarantine(store)[0]["reason"]


def test_a_file_of_the_official_exporter(tmp_path: Path) -> None:
    from opentelemetry.exporter.otlp.json.file import FileSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.trace import SpanKind, Status, StatusCode

    file = tmp_path / "otel.jsonl"
    provider = TracerProvider(
        resource=Resource.create({"service.name": "shop", "deployment.environment.name": "staging", "host.name": "h1"})
    )
    provider.add_span_processor(SimpleSpanProcessor(FileSpanExporter(str(file))))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("POST /ask", kind=SpanKind.SERVER):
        root = {
            names.OPERATION: "invoke_workflow",
            names.PROMPT_NAME: "help",
            names.PROMPT_VERSION: OLD,
            names.USER: "ada",
            names.FEATURE: "faq",
        }
        with tracer.start_as_current_span("invoke_workflow help", attributes=root):
            call = {names.OPERATION: "chat", "gen_ai.system": "openai", names.REQUEST_MODEL: "m", names.INPUT_TOKENS: 12, names.OUTPUT_TOKENS: 3,
                    names.FINISH_REASONS: ("stop",), names.FIRST_CHUNK: 0.25}  # fmt: skip
            with tracer.start_as_current_span("chat m", kind=SpanKind.CLIENT, attributes=call) as inner:
                inner.add_event("note", {"text": "hello"})
                inner.set_status(Status(StatusCode.ERROR, "too slow"))
    provider.shutdown()
    store = open_store(tmp_path / "store")
    result = ingest(store, [file], now_ns=2_000_000_000 * 10**9)
    assert (3, 0) == (result.spans, result.quarantined)
    query = "select name, root, service, environment, config, release, user_id, feature, provider, input_tokens, ttft_ms, finish_reason, error from spans order by start_ns"
    about = ("shop", "staging", "help", OLD, "ada", "faq")
    assert [
        ("POST /ask", False, *about, "", None, None, "", ""),
        ("invoke_workflow help", True, *about, "", None, None, "", ""),
        ("chat m", False, *about, "openai", 12, 250.0, "stop", "too slow"),
    ] == rows(store, query)
    trace = rows(store, "select trace_id from spans limit 1")[0][0]
    server, _, chat = store.read_trace(trace)
    assert "server" not in server.attributes.values()  # the kind is not shown as an attribute
    assert {"host.name": "h1"} == {k: v for k, v in chat.attributes["resource"].items() if k == "host.name"}
    assert "hello" == chat.attributes["events"][0]["attributes"]["text"]


def test_a_file_of_a_collector_with_many_resources_in_a_line_and_old_names(tmp_path: Path) -> None:
    def resource(service: str, *spans: dict) -> dict:
        return {
            "resource": {"attributes": said(service__name=service)},
            "scopeSpans": [{"scope": {"name": "x"}, "spans": [one]} for one in spans],
        }

    kind = [
        {"key": "openinference.span.kind", "value": {"stringValue": "LLM"}},
        {"key": "llm.token_count.prompt", "value": {"intValue": 9}},
    ]
    line = json.dumps(
        {"resourceSpans": [resource("a", span(1), span(2, attributes=kind)), resource("b", span(3, trace="AB" * 16)), {}]}
    )
    snake = json.dumps(
        {"resource_spans": [{"resource": {"attributes": [{"key": "service.name", "value": {"string_value": "c"}}]}, "scope_spans": [{"spans": [
            {"trace_id": "S/kvNXezTaajzpKdDg5HNg==", "span_id": "AAAAAAAAAAk=", "name": "n", "kind": "SPAN_KIND_CLIENT", "status": {"code": "STATUS_CODE_ERROR"},
             "start_time_unix_nano": START_NS, "attributes": [{"key": "gen_ai.usage.prompt_tokens", "value": {"int_value": "4"}}, {"key": "a_b", "value": {"bool_value": False}}]}]}]}]}
    )  # fmt: skip
    store = open_store(tmp_path / "store")
    result = read_in(store, write(tmp_path / "otel.json", [line, snake]))
    assert (4, 0) == (result.spans, result.quarantined)
    query = "select service, trace_id, span_id, operation, input_tokens, error from spans order by service, span_id"
    assert [
        ("a", TRACE, f"{1:016x}", "", None, ""),
        ("a", TRACE, f"{2:016x}", "chat", 9, ""),
        ("b", "ab" * 16, f"{3:016x}", "", None, ""),
        ("c", TRACE, f"{9:016x}", "", None, "error"),
    ] == rows(store, query)
    assert False is store.read_trace(TRACE)[0].attributes["a_b"]


def test_tokens_and_money_count_only_where_they_were_spent(tmp_path: Path) -> None:
    spent = [{"key": names.INPUT_TOKENS, "value": {"intValue": "10"}}, {"key": names.COST_USD, "value": {"doubleValue": 0.5}}]
    agent = span(1, attributes=[*said(gen_ai__operation__name="invoke_agent"), *spent])
    chat = span(2, parent=f"{1:016x}", attributes=[*spent, *said(gen_ai__operation__name="chat")])
    store = open_store(tmp_path / "store")
    read_in(store, write(tmp_path / "app.jsonl", [otlp(agent, chat)]))
    assert [(10, 0.5)] == rows(store, "select sum(input_tokens), sum(cost_usd) from spans")
    assert 10 == store.read_trace(TRACE)[0].attributes[names.INPUT_TOKENS]


def test_children_read_before_their_root_get_what_it_says_at_compaction(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    root_id = f"{9:016x}"
    child = span(10, parent=root_id, attributes=said(gen_ai__operation__name="chat"))
    first = span(8, attributes=said(gen_ai__operation__name="retrieval"))
    read_in(store, write(tmp_path / "a.jsonl", [otlp(child, first)]))
    assert [("", ""), ("", "")] == rows(store, "select config, release from spans")
    assert [("retrieval",)] == rows(store, "select operation from spans where root")
    about = {
        "gen_ai__operation__name": "invoke_workflow",
        "gen_ai__prompt__name": "help",
        "gen_ai__prompt__version": NEW,
        "user__id": "ada",
    }
    root = span(9, attributes=[*said(**about), {"key": names.SAMPLE_WEIGHT, "value": {"doubleValue": 4.0}}])
    read_in(store, write(tmp_path / "b.jsonl", [otlp(root)]))
    late = span(11, parent=root_id, attributes=said(gen_ai__operation__name="execute_tool"))
    read_in(store, write(tmp_path / "c.jsonl", [otlp(late)]))
    result = compact(store, now_ns=NOW_NS)
    assert (3, 1) == (result.files_before, result.files_after)
    assert [("help", NEW, "ada", 4.0)] == rows(store, "select distinct config, release, user_id, weight from spans")
    assert [("invoke_workflow",)] == rows(store, "select operation from spans where root")


def test_a_root_of_the_day_before_is_found_too(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    midnight = (START_NS // (86_400 * 10**9) + 1) * 86_400 * 10**9
    child = span(2, parent=f"{1:016x}", startTimeUnixNano=str(midnight + 5), endTimeUnixNano=str(midnight + 6))
    read_in(store, write(tmp_path / "a.jsonl", [otlp(child)]))
    about = said(gen_ai__operation__name="invoke_workflow", gen_ai__prompt__name="help")
    read_in(store, write(tmp_path / "b.jsonl", [otlp(span(1, attributes=about, startTimeUnixNano=str(midnight - 5)))]))
    assert 1 == compact(store, now_ns=NOW_NS).repaired
    assert [("help", 2)] == rows(store, "select config, count(distinct dt) from spans group by 1")
    assert 0 == compact(store, now_ns=NOW_NS).days  # nothing is left to do


def test_workflows_in_workflows_are_one_request_and_traces_without_one_begin_at_their_first_span(tmp_path: Path) -> None:
    workflow = said(gen_ai__operation__name="invoke_workflow")
    nested = [
        span(1, attributes=workflow),
        span(2, parent=f"{1:016x}", attributes=workflow),
        span(3, parent=f"{2:016x}", attributes=workflow),
    ]
    other = [
        span(4, trace="c" * 32),
        span(5, trace="c" * 32, parent=f"{4:016x}"),
        span(6, trace="c" * 32, attributes=said(gen_ai__operation__name="signal")),
    ]
    store = open_store(tmp_path / "store")
    read_in(store, write(tmp_path / "a.jsonl", [otlp(*nested, *other)]))
    assert [(f"{1:016x}",), (f"{4:016x}",)] == rows(store, "select span_id from spans where root order by 1")


def test_lines_from_a_stream_and_a_folder_of_files(tmp_path: Path) -> None:
    import io

    lines = live_lines(live_spans(requests=6))
    write(tmp_path / "in" / "a.jsonl", lines[:2])
    write(tmp_path / "in" / "deeper" / "b.json", lines[2:4])
    write(tmp_path / "in" / "notes.txt", ["no traces"])
    store = open_store(tmp_path / "store")
    stream = io.BytesIO("\n".join([*lines[4:], lines[0][:50]]).encode())
    result = ingest(store, [tmp_path / "in"], now_ns=NOW_NS, stream=stream)
    assert (2, 1) == (result.files, result.quarantined)
    assert [(6,)] == rows(store, "select count(*) from spans where root")
    with pytest.raises(LlmopsError, match="is no file and no folder"):
        read_in(store, tmp_path / "nowhere")


def test_without_orjson_the_same_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = live_lines(live_spans(requests=8))
    hostile = otlp(
        span(1, attributes=[{"key": "ü\ud800", "value": {"doubleValue": float("nan")}}, *said(a="\ud83d\ude00\x00")])
    )
    found = []
    for without in (False, True):
        if without:
            monkeypatch.setattr(fast_json, "orjson", None)
        store = open_store(tmp_path / f"store-{without}")
        read_in(store, write(tmp_path / "app.jsonl", [*lines, hostile]))
        found.append(rows(store, "select * from spans order by trace_id, span_id"))
    assert found[0] == found[1]


def test_any_order_of_spans_in_any_files_gives_the_same_rows(tmp_path: Path) -> None:
    spans = list(live_spans(requests=12))
    draw = random.Random(3)
    expected = None
    for attempt in range(3):
        store = open_store(tmp_path / f"store-{attempt}")
        for number in range(4):
            part = [one for place, one in enumerate(spans) if place % 4 == number]
            read_in(store, write(tmp_path / f"{attempt}-{number}.jsonl", live_lines(part)))
        compact(store, now_ns=NOW_NS)
        found = rows(store, "select * from spans order by trace_id, span_id")
        assert expected is None or expected == found
        expected = found
        draw.shuffle(spans)


def test_append_adds_what_this_process_made(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    spans = live_spans(requests=3)
    store.append(spans)
    store.append(())
    assert [(len(spans),)] == rows(store, "select count(*) from spans")
    score = Span(trace_id=spans[0].trace_id, span_id="f" * 16, name="evaluate x", start_ns=START_NS, end_ns=START_NS,
                 attributes={names.OPERATION: names.EVALUATE, names.EVALUATION_NAME: "x", names.EVALUATION_SCORE: 0.5})  # fmt: skip
    store.append([score])
    assert [("support-router", OLD, 0.5)] == rows(store, "select config, release, score from spans where scorer = 'x'")
    assert 2 == len(store.files.names("raw"))


CALL = {"type": "tool_call", "id": "1", "name": "look", "arguments": "{}"}


@pytest.mark.parametrize(
    ("messages", "asked", "replied"),
    [
        ([{"role": "system", "parts": [{"type": "text", "content": "s"}]}, {"role": "user", "parts": [{"type": "text", "content": "u"}, {"type": "text", "content": "v"}]}], "u\nv", "s\nu\nv"),
        ([{"role": "system", "parts": [{"type": "text", "content": "s"}]}], "s", "s"),
        ([{"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "r"}]}], "r", "r"),
        ([{"role": "assistant", "parts": [CALL]}], "", ""),
        ([], "", ""),
        ([{"role": "user", "parts": [{"type": "text", "content": 7}]}], "", ""),
        ("just a text", "just a text", "just a text"),
        ("[1]", "[1]", "[1]"),
        ("[" * 5_000, "[" * 4_000, "[" * 4_000),
        (None, "", ""),
    ],
)  # fmt: skip
def test_what_was_asked_and_replied(messages: object, asked: str, replied: str) -> None:
    for form in (messages, messages if isinstance(messages, str | None) else json.dumps(messages)):
        assert (asked, replied) == (asked_in(form), replied_in(form))
