// The parts above the flags. Each is made again only when what it shows has changed, so that a
// selection in it, or the keyboard's place, is not lost to a refresh.

const shown = new Map();

function changed(part, what) {
  const text = JSON.stringify(what);
  const differs = shown.get(part) !== text;
  shown.set(part, text);
  return differs;
}

function list(section, items, title) {
  section.hidden = items.length === 0;
  section.querySelector("h2").textContent = title;
  section.querySelector("ul").replaceChildren(...items.map((item) => make("li", "", ...item)));
}

const PHASES = { ready: "Ready", starting: "Not ready", draining: "Draining" };

function showPhase(status) {
  const reason = status.phase === "starting" && status.reason ? [": ", quoted(status.reason)] : [];
  if (!changed("phase", [status.phase, status.reason])) return;
  byId("phase").dataset.is = status.phase;
  byId("phase").replaceChildren(PHASES[status.phase] ?? quoted(status.phase), ...reason);
}

const layersOf = (status) => (status.sources ?? []).flatMap((source) => source.layers ?? []);

function showFacts(status) {
  const { watch, series, streams } = status;
  const changes = layersOf(status).map((layer) => layer.last_change).filter(Boolean).sort();
  const polled = watch && `every ${watch.poll_interval_seconds} s`;
  const facts = [
    ["generation", number(status.generation ?? 0)],
    ["files last changed", changes.length ? moment(changes.at(-1)) : "never"],
    watch && ["watched by", watch.mode === "inotify" ? `file events, and ${polled}` : `looking ${polled}`],
    watch?.refusal && ["no file events", quoted(watch.refusal, "warn")],
    streams && ["applications", applications(status.connections ?? 0, sum(streams))],
    series?.dropped > 0 && ["series dropped", make("span", "warn", `▲ ${number(series.dropped)}`)],
    ["up for", span((status.uptime_seconds ?? 0) * 1000)],
  ];
  const details = [
    ["digest", status.digest ? key(status.digest.slice(0, 12)) : "none yet"],
    series && ["series in use", `${number(series.in_use)} of ${number(series.limit)}`],
    ["version", quoted(status.version ?? "")],
  ];
  showList("facts", facts.filter(Boolean));
  showList("details", details.filter(Boolean));
}

function applications(connections, streams) {
  if (connections + streams === 0) return "no application connected";
  return `${plural(connections, "connection")}, ${streams === 0 ? "no update stream" : plural(streams, "update stream")}`;
}

/** Names and values. A value is replaced only when it changes: a selection of the digest outlives
    the refresh of the uptime. */
function showList(id, facts) {
  const others = changed(id, facts.map(([name]) => name));
  if (others) {
    byId(id).replaceChildren(...facts.map(([name]) => make("div", "", make("dt", "", name), make("dd", ""))));
  }
  const places = byId(id).querySelectorAll("dd");
  for (const [place, [name, value]] of facts.entries()) {
    if (changed(`fact ${name}`, value.title || value.textContent || value) || others) places[place].replaceChildren(value);
  }
}

/** Flags whose file says `killed: true`. A kill stays listed while its flag is in quarantine. */
function showKilled(flags) {
  const killed = Object.entries(flags).filter(([, flag]) => flag.killed);
  if (!changed("killed", killed.map(([name, flag]) => [name, flag.serves]))) return;
  const items = killed.slice(0, MANY).map(([name, { serves }]) => [
    "■ ", key(name), serves ? ": everyone gets " : null, serves ? key(serves) : null,
  ]);
  const more = killed.length - items.length;
  if (more > 0) items.push([`and ${number(more)} more: filter the flags by “killed”`]);
  list(byId("killed"), items, `${plural(killed.length, "flag")} killed`);
}

function showOverrides(overrides) {
  if (!changed("overrides", overrides)) return;
  const active = overrides.filter((override) => override.active).length;
  const items = overrides.map(({ flag, variant, until, why, file, active, problem }) => [
    active ? "▲ " : "not served: ",
    make("b", "", key(flag ?? file ?? "the directory")),
    ...(variant ? [active ? ": everyone gets " : ": ", make("b", "", key(variant))] : []),
    ...(until ? [" until ", quoted(until), ", ", moment(until)] : []),
    ...(why ? [make("span", "note", "why: ", quoted(why))] : []),
    problem ? make("span", "note bad", "✕ ", quoted(problem)) : null,
  ]);
  const inForce = `${plural(active, "local override")} in force, above all files`;
  list(byId("overrides"), items, active ? inForce : "Overrides that are not served");
}

function showQuarantined(quarantined) {
  if (!changed("quarantined", quarantined)) return;
  const items = quarantined.slice(0, MANY).map(({ flag, file, serves, reasons }) => [
    "▲ ", key(flag), ` serves ${serves}; `, quoted(file),
    ...(reasons ?? []).map((reason) => make("span", "note", quoted(reason))),
  ]);
  const more = quarantined.length - items.length;
  if (more > 0) items.push([`and ${number(more)} more: filter the flags by “quarantined”`]);
  list(byId("quarantined"), items, `${plural(quarantined.length, "flag")} in quarantine`);
}

const STATES = {
  applied: ["good", "✓ applied"],
  pending: ["muted", "… not read yet"],
  partial: ["warn", "▲ applied but for quarantined flags"],
  read_error: ["bad", "✕ cannot be read"],
  parse_error: ["bad", "✕ cannot be parsed"],
  rejected: ["bad", "✕ rejected"],
};

function layerItem(layer) {
  const [name, words] = STATES[layer.state] ?? ["muted", String(layer.state)];
  const kept = ["read_error", "parse_error", "rejected"].includes(layer.state) && layer.serving;
  const problems = layer.diagnostics ?? [];
  const lines = problems.slice(0, MANY).map((problem) => {
    const place = [layer.path, problem.line, problem.column].filter((part) => part !== null).join(":");
    const serious = problem.level === "error";
    return make("li", "note", make("span", serious ? "bad" : problem.level === "warning" ? "warn" : "muted",
      `${serious ? "✕" : problem.level === "warning" ? "▲" : "·"} ${problem.level} `), key(place), " ",
      problem.path ? key(problem.path) : null, problem.path ? ": " : null, quoted(problem.message),
      problem.help ? make("span", "muted", " (", quoted(problem.help), ")") : null);
  });
  const more = problems.length - MANY;
  if (more > 0) lines.push(make("li", "note muted", `and ${number(more)} more, in /status`));
  return make("li", "", make("span", name, words), " ", key(layer.path),
    make("span", "muted", ` ${plural(layer.flags, "flag")}, ${number(layer.bytes)} bytes`,
      layer.last_change ? ", changed " : null, layer.last_change ? moment(layer.last_change) : null),
    kept ? make("span", name, "; serving its last good flags") : null,
    layer.cannot_update ? make("span", "note warn", "▲ ", quoted(layer.cannot_update)) : null,
    lines.length ? make("ul", "", ...lines) : null);
}

function showFiles(sources) {
  if (!changed("files", sources)) return;
  const layers = sources.flatMap((source) => source.layers ?? []);
  const applied = layers.filter((layer) => layer.state === "applied").length;
  const troubles = sources.filter((source) => source.problem || !source.applied || !source.layers?.length);
  const items = troubles.map((source) => make("li", source.problem ? "bad" : "muted",
    source.problem ? "✕ " : "… ", key(source.path), " ",
    source.problem ? quoted(source.problem) : source.applied ? "has no files" : "is not applied yet"));
  const files = plural(layers.length, "file");
  byId("files").querySelector("span").textContent =
    applied === layers.length ? `${files}, all applied` : `${applied} of ${files} wholly applied`;
  byId("files").querySelector("ul").replaceChildren(...items, ...layers.map(layerItem));
}

function showUnknown(unknown) {
  if (!changed("unknown", unknown)) return;
  const { requests = 0, top = [] } = unknown ?? {};
  const meant = (nearest) => (nearest ? [" (did you mean ", key(nearest), "?)"] : []);
  const [first] = top;
  const summary = make("span", "", plural(requests, "request"),
    ...(first ? [": ", key(first.key), ...meant(first.nearest)] : []), top.length > 1 ? " and others" : null);
  byId("unknown").hidden = requests === 0;
  byId("unknown").querySelector("span").replaceWith(summary);
  const items = top.map((asked) =>
    make("li", "", key(asked.key), ` up to ${plural(asked.requests, "request")}`, ...meant(asked.nearest)));
  byId("unknown").querySelector("ul").replaceChildren(...items);
}
