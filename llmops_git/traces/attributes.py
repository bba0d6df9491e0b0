"""The names of span attributes, in one place: the GenAI conventions of OpenTelemetry still move, these constants do not.

Source: the OpenTelemetry semantic conventions for generative AI (status: development). Names under `llmops.` are our own.
"""

from __future__ import annotations

OPERATION = "gen_ai.operation.name"
PROMPT_NAME = "gen_ai.prompt.name"
PROMPT_VERSION = "gen_ai.prompt.version"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
WORKFLOW_NAME = "gen_ai.workflow.name"
DATA_SOURCE = "gen_ai.data_source.id"
TOP_K = "gen_ai.retrieval.top_k"
DOCUMENTS = "gen_ai.retrieval.documents"
QUERY = "gen_ai.retrieval.query.text"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
TOOL_NAME = "gen_ai.tool.name"
TOOL_CALL = "gen_ai.tool.call.id"
TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_RESULT = "gen_ai.tool.call.result"
ERROR_TYPE = "error.type"
SERVICE_NAME = "service.name"

CONFIG_DIGEST = "llmops.config.digest"
EVAL_DIGEST = "llmops.eval.digest"
RUN_ID = "llmops.run.id"
CASE = "llmops.case"
REPEAT = "llmops.repeat"
COST_USD = "llmops.cost.usd"
CACHED = "llmops.cached"
ENGINE = "llmops.engine"
STEP = "llmops.step"  # which call of the model in its sample, from 1; its input messages are those that the step added
STEP_INPUT = "llmops.step.input"  # of a step that an application told of itself
STEP_OUTPUT = "llmops.step.output"
RECORDED = "llmops.tool.recorded"  # the result is the case's own; false: of a stub
REASON_PREFIX = "llmops.score_reason."  # + the scorer's name; what a judge gave as its reasons
SCORE_PREFIX = "llmops.score."  # + the scorer's name; only scores that were measured

INVOKE_WORKFLOW = "invoke_workflow"
RETRIEVAL = "retrieval"
CHAT = "chat"
EXECUTE_TOOL = "execute_tool"
APPLICATION = "target:"  # stands before the name of an application where a provider is named
INVOKE_AGENT = "invoke_agent"
