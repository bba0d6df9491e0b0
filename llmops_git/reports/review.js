"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  let sample = data.samples[0];
  let place = 0; // of the case that is shown
  let active = 0; // of its output that the keys label
  let answers = {}; // case and output -> {label, note, when}

  const key = (item, output) => `${item.case} ${output.digest}`;
  const store = () => `llmops-git review ${sample.name}`;
  const remember = () => { try { localStorage.setItem(store(), JSON.stringify({ who: at("who").value, answers })); } catch { /* a browser without storage */ } };
  const recall = () => {
    answers = {};
    try {
      const kept = JSON.parse(localStorage.getItem(store()) || "{}");
      answers = kept.answers || {};
      if (kept.who && !at("who").value) at("who").value = kept.who;
    } catch { /* a browser without storage */ }
  };

  // the same name for the same person as in llmops_git/evals/people/labels.py
  const fileName = () => {
    const plain = at("who").value.split("<")[0].toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40).replace(/^-+|-+$/g, "");
    return `${sample.name}-${plain || "someone"}.jsonl`;
  };
  const line = (item, output, said) => {
    const label = { format: data.format, config: sample.config, case: item.case, scorer: sample.scorer, output: output.digest, label: said.label, who: at("who").value.trim() || "someone", when: said.when };
    if (sample.judge) label.judge = sample.judge;
    label.inputs = item.inputs;
    if (said.note) label.note = said.note.slice(0, 10000);
    if (output.shown) label.shown = output.shown;
    label.drawn = item.drawn;
    // ASCII only, as the command writes it: no reader of lines finds one within a text
    return JSON.stringify(label).replace(/[^\x20-\x7e]/g, (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0")) + "\n";
  };
  const lines = () => sample.items.flatMap((item) => item.outputs.flatMap((output) => {
    const said = answers[key(item, output)];
    return said && said.label ? [line(item, output, said)] : [];
  })).join("");

  const say = (item, output, change) => {
    const kept = answers[key(item, output)] || { note: "" };
    answers[key(item, output)] = { ...kept, ...change, when: new Date().toISOString().slice(0, 19) + "Z" };
    remember();
  };
  const choose = (number, label) => {
    const item = sample.items[place];
    say(item, item.outputs[number], { label });
    const open = item.outputs.findIndex((output) => !(answers[key(item, output)] || {}).label);
    if (open >= 0) { active = open; show(); } else if (place + 1 < sample.items.length) { go(place + 1); } else { show(); }
  };

  const side = (item, output, number) => {
    const said = answers[key(item, output)] || {};
    const box = make("div", undefined, number === active ? "side current" : "side");
    box.append(make("b", output.shown ? `Output ${output.shown}` : "Output"), make("pre", output.text));
    const bar = make("p", undefined, "bar");
    sample.labels.forEach((label, index) => {
      const button = make("button", number === active ? `${label} (${index + 1})` : label);
      button.type = "button";
      button.setAttribute("aria-pressed", String(said.label === label));
      button.addEventListener("click", () => choose(number, label));
      bar.append(button);
    });
    const note = make("input", undefined, "note-field");
    note.placeholder = "Note";
    note.setAttribute("aria-label", "Note");
    note.value = said.note || "";
    note.addEventListener("input", () => { say(item, output, { note: note.value }); summary(); });
    box.append(bar, note);
    return box;
  };
  const summary = () => {
    const text = lines();
    const all = sample.items.reduce((sum, item) => sum + item.outputs.length, 0);
    const done = text.split("\n").length - 1;
    at("lines").value = text;
    at("done").max = all || 1;
    at("done").value = done;
    at("count").textContent = `${done} of ${all} labelled`;
    at("place").textContent = `labels/${sample.folder}/${fileName()}`;
  };
  const show = () => {
    const section = at("case");
    section.replaceChildren();
    const item = sample.items[place];
    at("title").textContent = sample.title;
    at("question").textContent = sample.text;
    if (item) {
      section.append(make("h3", `${place + 1} of ${sample.items.length}: ${item.title}`));
      for (const [name, text] of [["Asked", item.asked], ["Expected", item.expected]]) {
        if (text === null) continue;
        const box = make("div", undefined, "asked");
        box.append(make("b", name), make("pre", text));
        section.append(box);
      }
      const sides = make("div", undefined, item.outputs.length === 1 ? "sides alone" : "sides");
      item.outputs.forEach((output, number) => sides.append(side(item, output, number)));
      section.append(sides);
    }
    summary();
  };
  const go = (to) => {
    place = Math.max(0, Math.min(sample.items.length - 1, to));
    const item = sample.items[place];
    active = item ? Math.max(0, item.outputs.findIndex((output) => !(answers[key(item, output)] || {}).label)) : 0;
    show();
  };
  const open = (number) => {
    sample = data.samples[number];
    recall();
    const first = sample.items.findIndex((item) => item.outputs.some((output) => !(answers[key(item, output)] || {}).label));
    go(first < 0 ? 0 : first);
  };

  data.samples.forEach((one, number) => { const option = make("option", one.title); option.value = String(number); at("samples").append(option); });
  at("pick").hidden = data.samples.length < 2;
  at("samples").addEventListener("change", () => open(Number(at("samples").value)));
  at("who").addEventListener("input", () => { remember(); summary(); });
  at("back").addEventListener("click", () => go(place - 1));
  at("next").addEventListener("click", () => go(place + 1));
  at("download").addEventListener("click", () => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([lines()], { type: "application/x-ndjson" }));
    link.download = fileName();
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    at("said").textContent = "downloaded";
  });
  at("copy").addEventListener("click", async () => {
    at("lines").select();
    try { await navigator.clipboard.writeText(lines()); at("said").textContent = "copied"; } catch { at("said").textContent = "the lines are selected: copy them"; }
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    const label = sample.labels[Number(event.key) - 1];
    if (event.key >= "1" && event.key <= "9" && label !== undefined) { choose(active, label); }
    else if (event.key === "b") { go(place - 1); }
    else if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); go(place + 1); }
  });
  open(0);
});
