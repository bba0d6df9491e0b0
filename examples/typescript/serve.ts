// Answers one message with a released config, from its bundle alone, and appends the trace for `llmops-git traces ingest`:
// BASE_URL=https://api.openai.com/v1 node serve.ts support-router.json "my parcel is late"    (Node 23.6 or newer)
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";

type Resolved = { model: { provider: string; id: string; parameters: object }; messages: { role: string; template: string }[] };
type Bundle = { config: string; release: string; digest: string; resolved: Resolved };
const [file, message] = process.argv.slice(2);
const { config, release, digest, resolved }: Bundle = JSON.parse(readFileSync(file, "utf8"));
const canonical = (value: any): string => // RFC 8785: keys in order, numbers and texts as JavaScript writes them
  Array.isArray(value) ? `[${value.map(canonical)}]` : !value || typeof value !== "object" ? JSON.stringify(value)
    : `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)}}`;
if (`sha256:${createHash("sha256").update(canonical(resolved)).digest("hex")}` !== digest) throw new Error(`${file} was changed`);

const messages = resolved.messages.map(({ role, template }) => {
  if (/\{[{%#]/.test(template.replaceAll("{{ message }}", ""))) throw new Error("this template needs Jinja, as nunjucks has it");
  return { role, content: template.replaceAll("{{ message }}", () => message) };
});
const id = (bytes: number) => randomBytes(bytes).toString("hex"), now = () => `${Date.now()}000000`, began = now();
const headers = { "content-type": "application/json", authorization: `Bearer ${process.env.OPENAI_API_KEY ?? ""}` };
const body = JSON.stringify({ ...resolved.model.parameters, model: resolved.model.id, messages });
const reply: any = await (await fetch(`${process.env.BASE_URL}/chat/completions`, { method: "POST", headers, body })).json();

const traceId = id(16), root = id(8), shared = { "gen_ai.prompt.name": config, "gen_ai.prompt.version": release, "llmops.config.digest": digest };
const value = (item: string | number) => typeof item === "number" ? { intValue: String(item) } : { stringValue: item };
const span = (kind: number, name: string, spanId: string, parentSpanId: string, own: Record<string, string | number>) => ({ traceId, spanId,
  parentSpanId, kind, name, startTimeUnixNano: began, endTimeUnixNano: now(),
  attributes: Object.entries({ ...shared, ...own }).map(([key, item]) => ({ key, value: value(item) })) });
const spans = [span(1, `invoke_workflow ${config}`, root, "", { "gen_ai.operation.name": "invoke_workflow" }),
  span(3, `chat ${resolved.model.id}`, id(8), root, { "gen_ai.operation.name": "chat", "gen_ai.provider.name": resolved.model.provider,
    "gen_ai.request.model": resolved.model.id, "gen_ai.usage.input_tokens": reply.usage.prompt_tokens,
    "gen_ai.usage.output_tokens": reply.usage.completion_tokens })];
const folder = process.env.LLMOPS_TRACES ?? ".llmops/traces/raw";
mkdirSync(folder, { recursive: true });
appendFileSync(`${folder}/node-${process.pid}-${id(4)}.jsonl`, JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }) + "\n");
console.log(reply.choices[0].message.content);
