// The flags. A row is made again only when what it shows has changed, and moved only when it has
// another place.

const collator = new Intl.Collator("en", { numeric: true });
const COLUMNS = [
  { name: "key", title: "Flag", of: (flag) => flag.key },
  { name: "state", title: "State", of: (flag) => flag.shownState },
  { name: "owner", title: "Owner", of: (flag) => flag.owner },
  { name: "kind", title: "Kind", of: (flag) => flag.kind },
  { name: "expires", title: "Expires", of: (flag) => flag.expires },
  { name: "seen", title: "Variants: share in this pod, set share, count", of: (flag) => flag.seen, most: true },
  { name: "changed", title: "Changed", of: (flag) => flag.changed, most: true },
];

const rows = new Map(); // By key: the row, what it shows, and the words it is found by.
let flags = []; // As last told.
let sorted = { column: COLUMNS[0], down: false };
const filter = byId("filter");
const body = document.querySelector("tbody");

/** The flags of a status, each with what is derived of it. */
function flagsOf(status) {
  const quarantined = Map.groupBy(status.quarantined ?? [], (entry) => entry.flag);
  const active = (status.overrides ?? []).filter((entry) => entry.active);
  const overridden = new Map(active.map((entry) => [entry.flag, entry]));
  const crowded = status.series?.dropped > 0;
  const several = layersOf(status).length > 1;
  return Object.entries(status.flags ?? {}).map(([key, flag]) => {
    const broken = quarantined.get(key)?.at(-1);
    const override = overridden.get(key);
    const shownState = override ? "override" : flag.killed ? "killed" : broken ? "quarantined" : flag.state;
    const days = flag.expires ? Math.ceil((Date.parse(flag.expires) - now()) / DAY) : NaN;
    const from = several ? flag.file : null;
    return { ...flag, key, broken, override, shownState, days, from, ...seenOf(flag, crowded) };
  });
}

/** How often each variant was seen: as exposures, those by a split alone where one is configured,
    since people forced by a rule say nothing about the split; else as answers. */
function seenOf(flag, crowded) {
  const exposures = Object.entries(flag.exposures ?? {});
  const total = (by) => exposures.reduce((total, [, count]) => total + (count[by] ?? 0), 0);
  const [split, rule, otherwise] = [total("split"), total("rule"), total("default")];
  if (flag.split && split + rule + otherwise > 0) {
    const aside = [rule && `${number(rule)} by rule`, otherwise && `${number(otherwise)} by default`].filter(Boolean);
    const words = [`${plural(split, "exposure")} by split`, ...aside].join(", ");
    const counts = exposures.map(([name, count]) => [name, count.split]);
    return { seen: split + rule + otherwise, of: split, counts, words };
  }
  const all = split + rule + otherwise;
  if (all > 0) {
    const counts = exposures.map(([name, count]) => [name, sum(count)]);
    return { seen: all, of: all, counts, words: plural(all, "exposure") };
  }
  const answers = sum(flag.evaluations);
  // Over the limit of series, a flag's answers are counted under no name of their own.
  const none = crowded ? "no count of its own" : "not asked yet";
  const words = answers ? plural(answers, "evaluation") : flag.evaluations ? none : "";
  return { seen: answers, of: answers, counts: Object.entries(flag.evaluations ?? {}), words };
}

function percent(share) {
  if (share > 0 && share < 0.001) return "<0.1 %";
  if (share < 1 && share > 0.999) return ">99.9 %";
  return `${(share * 100).toFixed(1).replace(/\.0$/, "")} %`;
}

const few = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

function splitCell(flag) {
  const counts = new Map(flag.counts);
  const names = [...new Set([...(flag.variants ?? []), ...counts.keys()])]
    .filter((name) => name !== "" || counts.get(name) > 0);
  // In the order of the file; of many, those that were seen most.
  const bySeen = [...names].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
  const most = new Set(bySeen.slice(0, names.length > MANY ? MANY - 1 : MANY));
  const inOrder = names.filter((name) => most.has(name));
  const cell = make("div", "split");
  const more = names.length > MANY ? `and ${plural(names.length - most.size, "more variant")}` : "";
  const words = [more, flag.words].filter(Boolean).join("; ");
  const everyone = flag.state === "disabled" ? ["clients use the default in their code"]
    : flag.serves ? ["everyone gets ", key(flag.serves)] : [];
  if (everyone.length) cell.append(make("span", "all", ...everyone));
  const next = flag.next_change && make("span", "whole", "next: ", quoted(flag.next_change.change), " at ",
    quoted(flag.next_change.local), ", ", moment(flag.next_change.at));
  const called = (name) => (name === "" ? make("i", "muted", "code default")
    : name === flag.default ? make("span", "", key(name), make("span", "tag", " default")) : key(name));
  if (!flag.of && !flag.split) {
    const all = inOrder.flatMap((name, place) => (place ? [", ", called(name)] : [called(name)]));
    cell.append(make("span", everyone.length ? "whole" : "all", ...(everyone.length ? ["of "] : []), ...all));
    if (words) cell.append(make("span", "whole", words));
    if (next) cell.append(next);
    return [cell, 2 + (everyone.length ? 1 : 0) + (next ? 1 : 0)];
  }
  for (const name of inOrder) {
    const configured = flag.split && Object.hasOwn(flag.split, name) ? flag.split[name] : undefined;
    const count = counts.get(name) ?? 0;
    const bar = make("div", configured === undefined ? "share" : "share set");
    bar.style.setProperty("--live", flag.of ? count / flag.of : 0);
    if (configured !== undefined) bar.style.setProperty("--set", configured);
    cell.append(called(name), bar);
    if (flag.of) cell.append(make("span", "live", percent(count / flag.of)));
    if (configured !== undefined) cell.append(make("span", "configured", `set ${percent(configured)}`));
    if (flag.of) cell.append(make("span", "count", few.format(count)));
  }
  if (words) cell.append(make("span", "whole", words));
  if (next) cell.append(next);
  return [cell, inOrder.length + (words ? 1 : 0) + (everyone.length ? 1 : 0) + (next ? 1 : 0)];
}

const FLAG_STATES = {
  enabled: ["good", "● enabled"],
  disabled: ["muted", "○ disabled"],
  override: ["warn", "▲ override"],
  killed: ["warn", "■ killed"],
  quarantined: ["bad", "▲ quarantined"],
};

function expiry(flag) {
  if (!flag.expires) return [];
  const left = Number.isNaN(flag.days) ? null
    : flag.days <= 0 ? make("span", "note bad", "▲ expired")
    : flag.days <= SOON ? make("span", "note warn", `▲ in ${plural(flag.days, "day")}`) : null;
  return [quoted(flag.expires), left];
}

function flagCell(flag) {
  const why = [flag.ticket, flag.why, flag.from].filter(Boolean);
  const shownAs = (text) => (text === flag.ticket ? linked(text) : quoted(text));
  const about = make("span", "why", ...why.flatMap((text, place) => (place ? [" · ", shownAs(text)] : [shownAs(text)])));
  about.title = why.map(written).join(" · ");
  const { override } = flag;
  return [
    key(flag.key),
    override
      ? make("span", "note warn", "everyone gets ", key(override.variant), ", ends ", moment(override.until))
      : null,
    flag.killed && override ? make("span", "note warn", "■ its file kills it") : null,
    flag.broken ? make("span", "note bad", `${flag.killed ? "quarantined: " : ""}serves ${flag.broken.serves}`) : null,
    why.length ? about : null,
  ];
}

function rowOf(flag) {
  const [split, lines] = splitCell(flag);
  const [name, words] = FLAG_STATES[flag.shownState] ?? ["muted", String(flag.shownState)];
  const cells = [
    flagCell(flag),
    [words],
    flag.owner ? [quoted(flag.owner)] : [],
    flag.kind ? [quoted(flag.kind)] : [],
    expiry(flag),
    [split],
    flag.changed ? [moment(flag.changed)] : [],
  ].map((children) => make("td", "", ...children));
  cells[1].className = name;
  for (const cell of cells) cell.setAttribute("role", "cell");
  const row = make("tr", "", ...cells);
  row.setAttribute("role", "row");
  row.style.setProperty("--lines", Math.max(lines, 2));
  return row;
}

/** The flags in the order that was chosen. */
function ordered() {
  const { column, down } = sorted;
  const empty = (value) => value === null || value === undefined || value === "";
  const compare = (a, b) => {
    const [left, right] = [column.of(a), column.of(b)];
    // What is not said comes last, whichever way.
    if (empty(left) || empty(right)) return empty(left) - empty(right);
    const order = typeof left === "number" ? left - right : collator.compare(left, right);
    return down ? -order : order;
  };
  return flags.sort((a, b) => compare(a, b) || collator.compare(a.key, b.key) || (a.key < b.key ? -1 : 1));
}

function arrange() {
  let place = body.firstElementChild;
  for (const { key } of ordered()) {
    const row = rows.get(key)?.row;
    if (!row) continue; // It is being made.
    if (row === place) place = place.nextElementSibling;
    else body.insertBefore(row, place);
  }
}

/** The words that the filter asks for. */
const wanted = () => filter.value.toLowerCase().split(/\s+/).filter(Boolean);

function sift() {
  const words = wanted();
  let left = 0;
  for (const { row, found } of rows.values()) {
    const hidden = !words.every((word) => found.includes(word));
    if (row.hidden !== hidden) row.hidden = hidden;
    left += !hidden;
  }
  byId("count").textContent = (words.length ? `${number(left)} of ` : "") + plural(flags.length, "flag");
  byId("none").hidden = left > 0;
  byId("none").textContent = flags.length ? "No flag matches. Escape clears the filter." : "There are no flags yet.";
}

function showRow(flag, words) {
  const old = rows.get(flag.key);
  const text = JSON.stringify(flag);
  if (old?.text === text) return;
  const row = rowOf(flag);
  const expired = flag.days <= 0 ? "expired" : flag.days <= SOON ? "expiring" : "";
  const states = [flag.shownState, flag.killed && "killed", flag.broken && "quarantined", expired];
  const found = [flag.key, flag.owner, flag.kind, ...states].filter(Boolean).join("\n").toLowerCase();
  row.hidden = !words.every((word) => found.includes(word));
  if (old) old.row.replaceWith(row);
  else body.append(row);
  rows.set(flag.key, { row, text, found });
}

/** A screenful first, and then in slices, so that neither the first view nor a keystroke has to
    wait for thousands of rows. */
async function showFlags(status) {
  flags = flagsOf(status);
  const current = new Set(flags.map((flag) => flag.key));
  for (const [key, { row }] of rows) {
    if (current.has(key)) continue;
    row.remove();
    rows.delete(key);
  }
  let made = performance.now();
  for (const [place, flag] of [...ordered()].entries()) {
    showRow(flag, wanted());
    if (place % SCREENFUL === SCREENFUL - 1 && (rows.size === SCREENFUL || performance.now() - made > SLICE)) {
      sift();
      await painted();
      made = performance.now();
    }
  }
  arrange();
  sift();
}
