// Sorting and filtering. The choice stands behind the # of the address, so that a reload and a
// link keep it.

function remember() {
  const choice = new URLSearchParams();
  if (filter.value) choice.set("filter", filter.value);
  const { column, down } = sorted;
  if (column !== COLUMNS[0] || down) choice.set("sort", column.name + (down ? "-down" : ""));
  history.replaceState(null, "", `#${choice}`);
}

function markSorted() {
  for (const { header } of COLUMNS) header.removeAttribute("aria-sort");
  sorted.column.header.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
}

function sortBy(column) {
  sorted = { column, down: sorted.column === column ? !sorted.down : column.most === true };
  markSorted();
  arrange();
  remember();
}

for (const column of COLUMNS) {
  const button = make("button", "", column.title);
  button.type = "button";
  button.addEventListener("click", () => sortBy(column));
  column.header = make("th", "", button);
  column.header.setAttribute("role", "columnheader");
  document.querySelector("thead tr").append(column.header);
}
filter.addEventListener("input", () => { sift(); remember(); });
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== filter && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    filter.focus();
  } else if (event.key === "Escape" && filter.value) {
    filter.value = "";
    sift();
    remember();
  }
});

const choice = new URLSearchParams(location.hash.slice(1));
filter.value = choice.get("filter") ?? "";
const [by, way] = (choice.get("sort") ?? "").split("-");
sorted = { column: COLUMNS.find((column) => column.name === by) ?? COLUMNS[0], down: way === "down" };
markSorted();

// Asking, and saying so when nobody answers.

let answered = null; // When the last good answer came, by this browser's clock.
let silent = null; // Why there is none since.

function tick() {
  const age = answered === null ? "" : `updated ${span(Date.now() - answered)} ago`;
  if (byId("age").textContent !== age) byId("age").textContent = age;
  for (const element of document.querySelectorAll("time")) tell(element);
}

function fallSilent(why) {
  silent = why;
  shown.delete("phase");
  byId("phase").dataset.is = "silent";
  byId("phase").textContent = "No answer";
  const since = answered === null ? ""
    : ` What you see is from ${new Date(answered).toLocaleTimeString()}, and may be wrong by now.`;
  const words = `The sidecar does not answer: ${why}. Asking again every few seconds.${since}`;
  // It is read out each time that it changes.
  if (byId("silence").textContent !== words) byId("silence").textContent = words;
  byId("silence").hidden = false;
}

async function show(status) {
  silent = null;
  byId("silence").hidden = true;
  showPhase(status);
  showFacts(status);
  showOverrides(status.overrides ?? []);
  showKilled(status.flags ?? {});
  showQuarantined(status.quarantined ?? []);
  showFiles(status.sources ?? []);
  showUnknown(status.unknown_flags ?? null);
  await showFlags(status);
}

async function ask() {
  const start = performance.now();
  try {
    const answer = await fetch("/status", {
      cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(PATIENCE),
    });
    if (!answer.ok) throw new Error(`/status answered ${answer.status}`);
    const status = await answer.json();
    ahead = Date.parse(answer.headers.get("date")) - Date.now() || 0;
    // The header tells whole seconds: less than two is no difference.
    if (Math.abs(ahead) < 2000) ahead = 0;
    answered = Date.now();
    await show(status);
  } catch (error) {
    fallSilent(error.name === "TimeoutError" ? `nothing came within ${PATIENCE / 1000} s` : error.message);
  }
  document.title = `${byId("phase").textContent} · ${location.host} · Flagstaff`;
  tick();
  // A sidecar with so many flags that an answer takes long is asked less often.
  setTimeout(askAgain, Math.max(REFRESH, 20 * (performance.now() - start)));
}

/** Nobody looks at a hidden page: it costs the sidecar nothing, and catches up when it is shown. */
function askAgain() {
  if (document.visibilityState === "visible") ask();
  else document.addEventListener("visibilitychange", askAgain, { once: true });
}

byId("host").textContent = location.host;
setInterval(tick, 1000);
ask();
