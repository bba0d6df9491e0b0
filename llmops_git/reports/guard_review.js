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
  const store = `llmops-git guardrails review ${data.name}`;
  let place = 0; // of the text that is shown
  let answers = {}; // id -> {attack, when}

  const remember = () => { try { localStorage.setItem(store, JSON.stringify({ who: at("who").value, answers })); } catch { /* a browser without storage */ } };
  const recall = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(store) || "{}");
      answers = kept.answers || {};
      if (kept.who) at("who").value = kept.who;
    } catch { /* a browser without storage */ }
  };
  const line = (item) => {
    const said = answers[item.row.id];
    const source = { ...item.row.source, who: at("who").value.trim() || "someone", when: said.when };
    const row = { ...item.row, attack: said.attack, source };
    // ASCII only, as the command writes it: no reader of lines finds one within a text
    return JSON.stringify(row).replace(/[^\x20-\x7e]/g, (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0")) + "\n";
  };
  const lines = () => data.items.filter((item) => answers[item.row.id]).map(line).join("");
  const summary = () => {
    const done = data.items.filter((item) => answers[item.row.id]).length;
    at("lines").value = lines();
    at("done").max = data.items.length || 1;
    at("done").value = done;
    at("count").textContent = `${done} of ${data.items.length} labelled`;
  };
  const show = () => {
    const item = data.items[place];
    const section = at("case");
    section.replaceChildren();
    if (item) {
      section.append(make("h3", `${place + 1} of ${data.items.length}: ${item.side}`));
      const box = make("div", undefined, "side current");
      box.append(make("pre", item.shown));
      section.append(box);
      const said = answers[item.row.id];
      at("attack").setAttribute("aria-pressed", String(Boolean(said && said.attack)));
      at("benign").setAttribute("aria-pressed", String(Boolean(said && !said.attack)));
    }
    summary();
  };
  const go = (to) => { place = Math.max(0, Math.min(data.items.length - 1, to)); show(); };
  const choose = (attack) => {
    const item = data.items[place];
    if (!item) return;
    answers[item.row.id] = { attack, when: new Date().toISOString().slice(0, 19) + "Z" };
    remember();
    go(place + 1);
  };

  at("title").textContent = data.title;
  at("command").textContent = `llmops-git guardrails review ${data.pack} --add ${data.name}`;
  at("attack").addEventListener("click", () => choose(true));
  at("benign").addEventListener("click", () => choose(false));
  at("back").addEventListener("click", () => go(place - 1));
  at("next").addEventListener("click", () => go(place + 1));
  at("who").addEventListener("input", () => { remember(); summary(); });
  at("download").addEventListener("click", () => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([lines()], { type: "application/x-ndjson" }));
    link.download = data.name;
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
    if (event.key === "1") { choose(true); }
    else if (event.key === "2") { choose(false); }
    else if (event.key === "b") { go(place - 1); }
    else if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); go(place + 1); }
  });
  recall();
  const first = data.items.findIndex((item) => !answers[item.row.id]);
  go(first < 0 ? 0 : first);
});
