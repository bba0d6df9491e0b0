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
  const draw = (tag, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const ALL = -1; // of features
  const W = 380, H = 170, LEFT = 58, RIGHT = 8, TOP = 16, BOTTOM = 20;

  // ---- numbers as people read them
  const digits = (value, most) => value.toLocaleString("en-US", { maximumFractionDigits: most });
  const money = (value) => "$" + (value === 0 ? "0" : value >= 1 ? digits(value, 2) : value.toPrecision(value < 0.01 ? 2 : 3).replace(/\.?0+$/, ""));
  const shown = (value, unit) => {
    if (value === null || value === undefined) return "\u2013";
    switch (unit) {
      case "share": return digits(100 * value, Math.abs(value) < 0.1 ? 2 : 1) + " %";
      case "ms": return value >= 1000 ? digits(value / 1000, 2) + " s" : digits(value, value < 10 ? 1 : 0) + " ms";
      case "usd": return money(value);
      case "score": return digits(value, 3);
      default: return digits(value, value < 10 ? 1 : 0);
    }
  };
  const time = (seconds, long) => {
    const text = new Date(seconds * 1000).toISOString();
    return data.bucket === "hour" ? text.slice(5, 10) + " " + text.slice(11, 16) : long ? text.slice(0, 10) : text.slice(5, 10);
  };
  const short = (release) => release ? release.replace(/^.*\//, "").replace(/^sha256:([0-9a-f]{8})[0-9a-f]{56}$/, "unreleased $1") : "no release";

  // ---- what is shown now
  let config = 0, feature = ALL;
  const releasesOf = (which) => data.releaseRows.filter((row) => row.c === which); // newest first
  const colour = (release) => {
    const place = releasesOf(config).map((row) => row.r).reverse().indexOf(release);
    return "r" + (place < 0 ? 0 : place % 6);
  };
  const linesOf = (panel) => data.lines.filter((line) => line.p === panel && line.c === config && line.f === feature);

  // ---- one chart
  const scaleOf = (lines, unit) => {
    let top = 0, bottom = Infinity;
    for (const line of lines) for (const [, , value, low, high] of line.points) {
      top = Math.max(top, high === null ? value : Math.min(high, value * 2 || high));
      bottom = Math.min(bottom, low === null ? value : Math.max(low, 0));
    }
    if (unit !== "score") bottom = 0;
    if (!(top > bottom)) top = bottom + (Math.abs(bottom) || 1) * 0.1;
    const room = (top - bottom) * 0.08, full = (unit === "score" || unit === "share") && top <= 1; // no more than all of it
    return { bottom: unit === "score" ? Math.max(bottom - room, bottom < 0 ? -Infinity : 0) : 0, top: full ? Math.min(top + room, 1) : top + room };
  };
  const chart = (panel, lines) => {
    const unit = panel.unit;
    const { bottom, top } = scaleOf(lines, unit);
    const x = (seconds) => LEFT + (W - LEFT - RIGHT) * (seconds - data.since) / Math.max(1, data.until - data.since);
    const y = (value) => H - BOTTOM - (H - TOP - BOTTOM) * (Math.min(value, top) - bottom) / (top - bottom);
    const svg = draw("svg", { viewBox: `0 0 ${W} ${H}`, class: "chart", role: "group", tabindex: "0", "aria-label": `${panel.title}; arrow keys go from point to point, Enter shows traces` });
    for (const share of [0, 0.5, 1]) {
      const value = bottom + share * (top - bottom);
      svg.append(draw("line", { class: "rule", x1: LEFT, x2: W - RIGHT, y1: y(value), y2: y(value) }));
      svg.append(draw("text", { x: LEFT - 4, y: y(value) + 4, class: "end" }, shown(value, unit)));
    }
    for (const share of [0, 0.5, 1]) {
      const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
      svg.append(draw("text", { x: LEFT + share * (W - LEFT - RIGHT), y: H - 5, class: anchor }, time(data.since + share * (data.until - data.since))));
    }
    let taken = -100;
    for (const [of, release, seconds, what] of data.markers) {
      if (of !== config || seconds <= data.since) continue;
      const line = draw("line", { class: "marker", x1: x(seconds), x2: x(seconds), y1: TOP - 4, y2: H - BOTTOM });
      line.append(draw("title", {}, `${short(data.releases[release])}: ${what} ${time(seconds, true)}`));
      svg.append(line);
      if (x(seconds) - taken > 60) {
        svg.append(draw("text", { x: Math.min(x(seconds), W - 40), y: 10, class: "middle" }, short(data.releases[release])));
        taken = x(seconds);
      }
    }
    const places = [];
    const middle = data.bucket === "hour" ? 1800 : 43200; // a point stands in the middle of its hour or day
    for (const line of lines) {
      const kind = `${colour(line.r)} ${line.m.replace(/^.*\./, "")}`;
      const spot = ([seconds, , value]) => `${x(Math.min(seconds + middle, data.until)).toFixed(1)},${y(value).toFixed(1)}`;
      if (line.points.every((point) => point[3] !== null)) {
        const high = line.points.map((point) => spot([point[0], 0, point[4]]));
        const low = line.points.map((point) => spot([point[0], 0, Math.max(point[3], bottom)])).reverse();
        svg.append(draw("polygon", { class: kind, points: [...high, ...low].join(" ") }));
      }
      svg.append(draw("polyline", { class: kind, points: line.points.map(spot).join(" ") }));
      for (const point of line.points) places.push({ line, point, cx: x(Math.min(point[0] + middle, data.until)), cy: y(point[2]) });
    }
    places.sort((one, other) => one.cx - other.cx || one.cy - other.cy);
    const dots = places.map((place) => {
      const dot = draw("circle", { class: `dot ${colour(place.line.r)}`, cx: place.cx, cy: place.cy, r: 2.6 });
      const hit = draw("circle", { class: "hit", cx: place.cx, cy: place.cy, r: 9 });
      hit.append(draw("title", {}, words(panel, place)));
      hit.addEventListener("click", () => { choose(places.indexOf(place)); open(panel, place); });
      svg.append(dot, hit);
      return dot;
    });
    let current = -1;
    const choose = (number) => {
      if (current >= 0) dots[current].classList.remove("current");
      current = Math.max(0, Math.min(number, dots.length - 1));
      dots[current].classList.add("current");
      svg.setAttribute("aria-label", words(panel, places[current]));
    };
    svg.addEventListener("keydown", (event) => {
      if (!places.length) return;
      if (event.key === "ArrowRight" || event.key === "ArrowDown") choose(current + 1);
      else if (event.key === "ArrowLeft" || event.key === "ArrowUp") choose(current < 0 ? places.length - 1 : current - 1);
      else if (event.key === "Home") choose(0);
      else if (event.key === "End") choose(places.length - 1);
      else if ((event.key === "Enter" || event.key === " ") && current >= 0) open(panel, places[current]);
      else return;
      event.preventDefault();
    });
    return svg;
  };
  const named = (panel, line) => panel.metrics.length > 1 ? `${line.m.replace(/^.*\./, "").replace("_rate", "")} ` : "";
  const words = (panel, { line, point: [seconds, n, value, low, high] }) => {
    const range = low === null ? "" : ` [${shown(low, panel.unit)}, ${shown(high, panel.unit)}]`;
    return `${time(seconds, true)}, ${short(data.releases[line.r])}: ${named(panel, line)}${shown(value, panel.unit)}${range}, of ${digits(n, 0)}`;
  };

  // ---- the traces of a point
  const open = (panel, place) => {
    const { line, point } = place;
    at("detail-title").textContent = panel.title;
    at("detail-text").textContent = words(panel, place);
    const found = (data.examples[panel.pick] || []).filter(([seconds, of, release, within]) =>
      seconds === point[0] && of === config && release === line.r && (feature === ALL || within === feature));
    at("detail-traces").replaceChildren(...(found.length ? found.map((one) => trace(panel, one)) : [make("p", "No trace of this kind is in that time.", "soft")]));
    at("detail").hidden = false;
    document.body.classList.add("open");
    at("detail").scrollTop = 0;
  };
  const close = () => { at("detail").hidden = true; document.body.classList.remove("open"); };
  const UNITS = { slow: "ms", newest: "ms", error: "ms", refused: "ms", tool: "ms", "first token": "ms", cost: "usd", input: "tokens", output: "tokens" };
  const trace = (panel, [, , , within, id, seconds, value]) => {
    const unit = UNITS[panel.pick] || (panel.pick.startsWith("score:") ? "score" : "");
    const box = make("details");
    const head = make("summary");
    const when = new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
    head.append(make("code", id), ` ${when}`, value === null || !unit ? "" : ` · ${shown(value, unit)}`, data.features[within] ? ` · ${data.features[within]}` : "");
    const body = make("div", undefined, "body");
    const steps = data.steps[id];
    if (steps) {
      const list = make("ul", undefined, "tree");
      for (const [name, depth, duration, facts, failed] of steps) {
        const item = make("li", undefined, `d${Math.min(depth, 4)}${failed ? " failed" : ""}`);
        item.append(make("b", name), ` ${shown(duration, "ms")}`, facts ? ` · ${facts}` : "");
        list.append(item);
      }
      body.append(list);
    }
    const way = make("p", undefined, "soft");
    if (data.live) {
      const link = make("a", "The whole trace, with its texts");
      link.href = "trace/" + encodeURIComponent(id);
      way.append(link);
    } else {
      way.append("The whole trace, with its texts: ", make("code", `llmops-git traces show ${id}`));
    }
    body.append(way);
    box.append(head, body);
    return box;
  };

  // ---- the page
  const cards = () => {
    at("themes").replaceChildren();
    for (const [key, title] of data.themes) {
      const grid = make("div", undefined, "grid");
      data.panels.forEach((panel, number) => {
        const lines = linesOf(number);
        if (panel.theme === key && lines.length) grid.append(card(panel, lines));
      });
      const count = grid.childElementCount;
      if (!count) continue;
      const theme = make("section", undefined, `theme t${Math.min(count, 3)}`);
      theme.append(make("h2", title), grid);
      at("themes").append(theme);
    }
  };
  const card = (panel, lines) => {
    const box = make("section", undefined, "card");
    box.append(make("h3", panel.title));
    const first = panel.metrics[Math.min(1, panel.metrics.length - 1)];
    const lead = panel.metrics.length === 3 && /\.p\d\d$/.test(first) ? first : panel.metrics[0];
    const last = lines.filter((line) => line.m === lead).sort((one, other) => one.points.at(-1)[0] - other.points.at(-1)[0]).at(-1);
    if (last) {
      const now = make("p", undefined, "now");
      const [seconds, , value] = last.points.at(-1);
      now.append(shown(value, panel.unit), " ", make("small", `${named(panel, last)}${time(seconds, true)}, ${short(data.releases[last.r])}`));
      box.append(now);
    }
    box.append(chart(panel, lines));
    const more = (panel.metrics.length > 1 ? panel.about.replace(/:.*$/, "") : panel.about) + (panel.metrics.length > 1 ? (/\.p\d\d$/.test(first) ? "; dashed p50, line p95, dotted p99" : "; line: acted, dashed: could not decide, dotted: in shadow") : "");
    box.append(make("p", more, "soft"));
    return box;
  };
  const releases = () => {
    const rows = releasesOf(config);
    const head = make("tr");
    for (const title of ["release", "from", "to", "requests", ...data.releaseMetrics.map((metric) => metric.title)]) head.append(make("th", title, title === "release" ? "name" : ""));
    const table = at("releases");
    table.replaceChildren(make("thead"), make("tbody"));
    table.tHead.append(head);
    rows.forEach((row, place) => {
      const line = make("tr");
      const name = make("td", short(data.releases[row.r]), `name ${colour(row.r)}`);
      name.title = data.releases[row.r];
      line.append(name, make("td", time(row.first, true)), make("td", time(row.last, true)), make("td", digits(row.requests, 0)));
      row.values.forEach((value, number) => {
        const metric = data.releaseMetrics[number], before = rows[place + 1] && rows[place + 1].values[number];
        const cell = make("td", shown(value, metric.unit));
        if (value !== null && before) {
          const share = value / before - 1;
          const worse = (share > 0) === (metric.worse === "up") ? "worse" : "better";
          const kind = Math.abs(share) < 0.02 || !metric.worse ? "" : ` ${worse}`;
          cell.append(make("span", `${share >= 0 ? "+" : "\u2212"}${digits(Math.abs(100 * share), Math.abs(share) < 0.1 ? 1 : 0)} %`, `change${kind}`));
        }
        line.append(cell);
      });
      table.tBodies[0].append(line);
    });
    at("legend").replaceChildren(...rows.slice(0, 6).map((row) => make("span", short(data.releases[row.r]), colour(row.r))));
  };
  const MOST = 20;
  const users = () => {
    const rows = data.users.filter((row) => row[0] === config);
    at("users-title").hidden = at("users").hidden = !rows.length;
    const table = at("users");
    table.replaceChildren(make("thead"), make("tbody"));
    const head = make("tr");
    for (const title of ["user", "requests", "failed", "tokens", "cost", "thumbs down"]) head.append(make("th", title, title === "user" ? "name" : ""));
    table.tHead.append(head);
    for (const [, user, requests, errors, usd, tokens, downs] of rows.slice(0, MOST)) {
      const line = make("tr");
      line.append(make("td", user, "name"), make("td", digits(requests, 0)), make("td", shown(requests ? errors / requests : null, "share")), make("td", tokens === null ? "\u2013" : digits(tokens, 0)), make("td", shown(usd, "usd")), make("td", digits(downs, 0)));
      table.tBodies[0].append(line);
    }
    at("users-more").textContent = rows.length > MOST ? `The ${MOST} that cost most.` : "";
  };
  const show = () => { close(); releases(); cards(); users(); };
  const options = (select, names, values, chosen) => {
    select.replaceChildren(...names.map((name, number) => {
      const option = make("option", name);
      option.value = values[number];
      option.selected = values[number] === chosen;
      return option;
    }));
  };
  const features = () => {
    const known = [...new Set(data.lines.filter((line) => line.c === config && line.f !== ALL).map((line) => line.f))];
    if (!known.includes(feature)) feature = ALL;
    options(at("feature"), ["all", ...known.map((number) => data.features[number] || "(none)")], [ALL, ...known], feature);
  };
  at("about").textContent = `${data.from} to ${data.to} (UTC), ${data.environment || "all environments"}, ${digits(data.spans, 0)} spans in ${data.store}.`;
  at("notes").replaceChildren(...data.notes.map((note) => make("p", note, "note")));
    at("empty").hidden = data.configs.length > 0;
  at("board").hidden = !data.configs.length;
  if (!data.configs.length) return;
  options(at("config"), data.configs.map((name) => name || "(no config)"), data.configs.map((_, number) => number), config);
  at("config").addEventListener("change", () => { config = Number(at("config").value); features(); show(); });
  at("feature").addEventListener("change", () => { feature = Number(at("feature").value); show(); });
  at("close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  features();
  show();
});
