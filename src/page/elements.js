// Shows what /status says, and asks again. Every text goes in as a text node, never as markup;
// members the sidecar does not give are left out of the page.

const REFRESH = 3000; // Milliseconds between two questions, at the least.
const PATIENCE = 5000; // How long an answer may take.
const SOON = 14; // Days before its end that a flag's expiry is pointed out.
const MANY = 8; // Variants shown of one flag, and problems of one file: the rest is counted.
const SCREENFUL = 25; // Flags made before the first of them are shown.
const SLICE = 20; // Milliseconds of work between two chances for the browser to do its own.
const DAY = 86_400_000;

const byId = (id) => document.getElementById(id);
const grouped = new Intl.NumberFormat("en");
const number = (value) => grouped.format(value);
const plural = (count, one, many = one + "s") => `${number(count)} ${count === 1 ? one : many}`;
const sum = (counts) => Object.values(counts ?? {}).reduce((total, count) => total + count, 0);

/** An element of this class, with these children; null among them is nothing. */
function make(tag, name, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  for (const child of children) if (child !== null && child !== "") element.append(child);
  return element;
}

/** What a file or a client wrote, with controls written out, since they could make it look like
    another text. */
const written = (text) => String(text).replace(
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
  (unseen) => `\\u{${unseen.codePointAt(0).toString(16)}}`,
);

/** The same, isolated from the text around it, so that right-to-left text moves nothing else. */
function quoted(text, name = "") {
  const element = make("bdi", name);
  element.dir = "auto";
  element.textContent = written(text);
  return element;
}

/** Waits until what was made so far is on the screen; a page in the background paints nothing. */
const painted = () => new Promise((resolve) => {
  if (document.hidden) setTimeout(resolve);
  else requestAnimationFrame(() => setTimeout(resolve));
});

const key = (text) => quoted(text, "key");

/** A link, if the text is a web address without a password; else the text alone. The target learns
    neither this page's address nor a handle to its window. */
function linked(text) {
  const address = URL.canParse(text) ? new URL(text) : null;
  if (!/^https?:$/.test(address?.protocol ?? "") || address.username || address.password) return quoted(text);
  const link = make("a", "", quoted(text));
  link.href = address.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  return link;
}

// Moments, by the sidecar's clock as far as it is known.

let ahead = 0; // Of this browser's clock, in milliseconds.
const now = () => Date.now() + ahead;

function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** A moment, told as the distance to it, which `tick` keeps right. */
function moment(text) {
  const element = make("time");
  element.dateTime = text;
  element.title = written(text);
  tell(element);
  return element;
}

function tell(element) {
  const distance = now() - Date.parse(element.dateTime);
  if (Number.isNaN(distance)) return element.replaceChildren(quoted(element.dateTime));
  const told = distance >= 0 ? `${span(distance)} ago` : `in ${span(-distance)}`;
  if (element.textContent !== told) element.textContent = told;
}
