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
SERVICE_VERSION = "service.version"
ENVIRONMENT = "deployment.environment.name"
USER = "user.id"
CONVERSATION = "gen_ai.conversation.id"
RESPONSE_ID = "gen_ai.response.id"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"
VARIABLE_PREFIX = "gen_ai.prompt.variable."  # + the input's name; only where content is captured
GUARD_PACK = "gen_ai.guardrail.policy.id"
GUARD_VERSION = "gen_ai.guardrail.policy.version"  # digest of the pack
GUARD_RULE = "gen_ai.guardrail.component.name"
GUARD_SIDE = "gen_ai.guardrail.source"  # input, output
GUARD_RESULT = "gen_ai.guardrail.result.type"  # pass, block, redact, flag, shadow, error
GUARD_REASON = "gen_ai.guardrail.result.reason"
GUARD_SCORE = "gen_ai.guardrail.result.value"
EVALUATION_NAME = "gen_ai.evaluation.name"
EVALUATION_SCORE = "gen_ai.evaluation.score.value"
EVALUATION_LABEL = "gen_ai.evaluation.score.label"
EVALUATION_REASON = "gen_ai.evaluation.explanation"

FEATURE = "llmops.feature"
GIT_COMMIT = "llmops.git.commit"
SIGNAL = "llmops.signal.name"  # what a user did or said: thumbs_up, thumbs_down, edit, retry, escalation, or any other name
SIGNAL_VALUE = "llmops.signal.value"
SIGNAL_COMMENT = "llmops.signal.comment"
SCORED_AT = "llmops.score.at"  # when a live request was scored, in nanoseconds since 1970
SAMPLE_WEIGHT = "llmops.sample.weight"  # how many requests like it the trace stands for; 1 where none were left out
DROPPED_SPANS = "llmops.dropped_spans"  # how many were lost before this one, for want of room or of a place to write them to
CONTENT = "llmops.content"  # off, redacted, full: what of the texts was captured
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
APPLY_GUARDRAIL = "apply_guardrail"
GIVE_SIGNAL = "signal"
EVALUATE = "evaluate"
EMBEDDINGS = "embeddings"
BILLED = frozenset({CHAT, "generate_content", "text_completion", EMBEDDINGS})  # the only spans whose tokens and cost are summed
