// What the pages do beyond links and forms. Everything here is an extra: without it each page still does its work.
"use strict";

// --- What the first view does without comes when somebody is there: with the first touch, key, scroll or move of the pointer.

const { htmx: htmxFile, worker } = document.currentScript.dataset;

// Text becomes markup or code only here (Trusted Types). Markup is what this site answered, for no other may be asked; two addresses
// are code, and no text is.
window.trustedTypes?.createPolicy("default", {
  createHTML: (markup) => markup,
  createScriptURL: (address) => ([htmxFile, worker].includes(address) ? address : null),
});

// Words in another language come from Django's catalogue, which the page loads before this; English needs none.
const { gettext = (words) => words, ngettext = (one, many, count) => (count === 1 ? one : many) } = window;
const fill = (words, value) => words.replace("%s", () => value);

const later = (task) => (window.requestIdleCallback ? requestIdleCallback(task, { timeout: 2000 }) : setTimeout(task, 200));
const SIGNS = ["pointermove", "pointerdown", "keydown", "focusin", "wheel", "touchstart", "scroll"];
const PARTS = "[data-hx-get], [data-hx-post], a[data-hx-boost=true], [data-hx-boost=true] a, [data-hx-boost=true] form";

// Until htmx is there, what is pressed or chosen waits for it; without it, links and forms do their own work.
const MEANT = ["click", "submit", "change", "input"];
let meant = null;
const loaded = new Promise((done) => addEventListener("load", done));

function wait(event) {
  const part = event.target instanceof Element && event.target.closest(PARTS);
  if (!part || event.ctrlKey || event.metaKey || event.shiftKey || (event.type === "click" && part.matches("form"))) return;
  if (["click", "submit"].includes(event.type)) {
    if (document.readyState !== "complete") return; // quicker than to wait for the page, and then for htmx
    event.preventDefault();
  }
  somebodyCame(); // a press may come without any other sign, from assistive technology
  meant = { type: event.type, target: event.target, part, submitter: event.submitter };
}

function ready() {
  MEANT.forEach((type) => document.removeEventListener(type, wait, true));
  if (!meant) return;
  if (meant.type === "submit") meant.part.requestSubmit(meant.submitter);
  else if (meant.type === "click") meant.target.click();
  else meant.target.dispatchEvent(new Event(meant.type, { bubbles: true }));
}

let hasCome = false;
function somebodyCame() {
  if (hasCome) return;
  hasCome = true;
  SIGNS.forEach((type) => removeEventListener(type, somebodyCame, true));
  loaded.then(fetchHtmx); // where it comes shortly before that, htmx never begins
  // The worker, which keeps pages for reading offline (worker.js), is not in a hurry.
  if ("serviceWorker" in navigator) later(() => navigator.serviceWorker.register(worker).catch(() => {}));
}

function fetchHtmx() {
  if (!document.querySelector(PARTS)) return;
  const script = document.createElement("script");
  script.src = htmxFile;
  script.onload = script.onerror = ready;
  document.head.append(script);
}
SIGNS.forEach((type) => addEventListener(type, somebodyCame, { capture: true, passive: true }));
MEANT.forEach((type) => document.addEventListener(type, wait, true));
// Back to an address that htmx had moved to: where it is not there yet, the whole page is asked for.
addEventListener("popstate", () => window.htmx || location.reload());

// An address that htmx moved to was never asked for as a whole page: the worker fetches it once the visitor stays.
let stays = 0;
document.addEventListener("htmx:pushedIntoHistory", () => {
  clearTimeout(stays);
  stays = setTimeout(() => navigator.serviceWorker?.controller?.postMessage({ visited: location.href }), 3000);
});

// --- One live region says what changed; htmx swaps never move the focus away.

const status = document.getElementById("status");

function say(text) {
  if (!text) return;
  status.textContent = "";
  setTimeout(() => { status.textContent = text; }, 60);
}

document.addEventListener("htmx:afterSettle", (event) => {
  const target = document.getElementById(event.detail.elt.id) || event.detail.elt;
  say(target.dataset.status);
  if (target.dataset.title) document.title = target.dataset.title;
});

// While an answer is awaited, `aria-busy` shows it (components.css); those who listen hear of it when it takes long.
let waiting = 0;
document.addEventListener("htmx:beforeRequest", (event) => {
  event.detail.target.setAttribute("aria-busy", "true");
  clearTimeout(waiting);
  waiting = setTimeout(say, 1000, "Fetching…");
  setTimeout(forgive); // after the focus has moved: leaving a field may be what sends the request
});

document.addEventListener("htmx:afterRequest", (event) => {
  clearTimeout(waiting);
  event.detail.target.removeAttribute("aria-busy");
});

// Takes the note about a failure away; who stands in it gets back to what they had pressed.
let forgive = () => {};

function failed(event) {
  const note = document.createElement("p");
  note.className = "request-failed";
  note.setAttribute("role", "alert");
  note.textContent = `${gettext("That did not get through. What you see is unchanged.")} `;
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = gettext("Try again");
  const { elt, target } = event.detail;
  forgive = () => {
    if (note.contains(document.activeElement)) (elt.matches("form") ? elt.querySelector("button") : elt).focus();
    note.remove();
  };
  again.addEventListener("click", () => {
    forgive();
    if (elt.matches("form")) elt.requestSubmit();
    else elt.click();
  });
  note.append(again);
  target.before(note);
  note.scrollIntoView({ block: "nearest" });
}
document.addEventListener("htmx:sendError", failed);
document.addEventListener("htmx:timeout", failed);
document.addEventListener("htmx:responseError", failed);

// A form that filters leaves its empty fields out of the address.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get" || !event.detail.elt.matches("form")) return;
  const data = event.detail.formData;
  for (const name of new Set(data.keys())) {
    const values = data.getAll(name).filter((value) => value !== "");
    data.delete(name);
    values.forEach((value) => data.append(name, value));
  }
});
document.addEventListener("submit", (event) => {
  if (event.target.method !== "get") return;
  for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
  setTimeout(() => { for (const field of event.target.elements) field.disabled = false; });
});

// What was pressed may be gone after a swap: then the focus goes to the heading of what is new, not to nowhere.
let pressedIn = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  pressedIn = event.detail.elt.contains(document.activeElement) ? event.detail.target.id : null;
});
document.addEventListener("htmx:afterSettle", () => {
  const box = pressedIn && document.getElementById(pressedIn);
  const news = box && document.activeElement === document.body && box.querySelector("h1, h2, [tabindex]");
  if (news) {
    if (!news.hasAttribute("tabindex")) news.tabIndex = -1;
    news.focus({ preventScroll: true });
  }
  pressedIn = null;
});

// --- The tray: what a visitor has set aside to compare. It stays in this browser, and a shared link never changes it.

const tray = document.getElementById("tray");
const TRAY_HOLDS = 4;
let setAside = [];

function readTray() {
  try {
    const kept = JSON.parse(localStorage.getItem("tray") || "[]");
    return kept.filter((item) => typeof item.slug === "string" && typeof item.name === "string").slice(0, TRAY_HOLDS);
  } catch { return setAside; }
}

function keepTray(items, words) {
  setAside = items;
  try { localStorage.setItem("tray", JSON.stringify(items)); } catch { /* it lasts for this page, then */ }
  showTray();
  say(words);
}

function trayAddress(items) {
  return `${tray.dataset.compare}?${items.map((item) => `item=${encodeURIComponent(item.slug)}`).join("&")}`;
}

function showTray() {
  setAside = readTray();
  const shown = new URLSearchParams(location.search).getAll("item");
  const isOpen = location.pathname === tray.dataset.compare && setAside.length === shown.length && setAside.every((item) => shown.includes(item.slug));
  tray.hidden = !setAside.length || isOpen;
  document.body.classList.toggle("has-tray", !tray.hidden);
  tray.querySelector("ul").replaceChildren(...setAside.map((item) => {
    const row = document.createElement("li");
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "second";
    remove.textContent = gettext("Remove");
    remove.setAttribute("aria-label", fill(gettext("Remove %s"), item.name));
    remove.addEventListener("click", () => {
      keepTray(setAside.filter((other) => other.slug !== item.slug), fill(gettext("%s is no longer in your comparison."), item.name));
      (tray.querySelector("li button") || document.querySelector(".add-to-compare") || document.getElementById("main")).focus();
    });
    row.append(`${item.name} `, remove);
    return row;
  }));
  tray.querySelector("a").href = trayAddress(setAside);
  // What gets the focus is scrolled to above the tray, never behind it. To measure it would hold up the first view.
  later(() => {
    const room = tray.hidden ? "" : `${tray.offsetHeight + 12}px`;
    const { style } = document.documentElement;
    if (style.scrollPaddingBlockEnd !== room) style.scrollPaddingBlockEnd = room;
  });
  for (const button of document.querySelectorAll("button.add-to-compare")) {
    const isIn = setAside.some((item) => item.slug === button.dataset.slug);
    button.setAttribute("aria-pressed", String(isIn));
    button.textContent = isIn ? gettext("In your comparison") : gettext("Add to compare");
  }
}

for (const link of document.querySelectorAll("a.add-to-compare")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = link.className;
  Object.assign(button.dataset, link.dataset);
  button.addEventListener("click", () => {
    const { slug, name } = button.dataset;
    const now = readTray();
    if (now.some((item) => item.slug === slug)) keepTray(now.filter((item) => item.slug !== slug), fill(gettext("%s is no longer in your comparison."), name));
    else if (now.length < TRAY_HOLDS) keepTray([...now, { slug, name }], fill(fill(gettext("%s is in your comparison, with %s more."), name), now.length));
    else {
      tray.querySelector(".full")?.remove();
      const note = document.createElement("p");
      note.className = "full";
      note.textContent = gettext("Four fit side by side. Remove one to add another.");
      tray.prepend(note);
      say(note.textContent);
    }
  });
  link.replaceWith(button);
}
tray.querySelector("p button").addEventListener("click", () => {
  keepTray([], gettext("Your comparison is empty."));
  (document.querySelector(".add-to-compare") || document.getElementById("main")).focus();
});
window.addEventListener("storage", (event) => { if (event.key === "tray") showTray(); });
document.addEventListener("htmx:afterSettle", showTray);
showTray();

// --- Tables laid out as blocks stay tables to those who hear them. Some browsers forget it without roles, which HTML
// itself has no room for; others need nothing.

const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };

function nameTables() {
  for (const part of document.querySelectorAll("main :is(table, thead, tbody, tr, td, th)")) {
    const role = part.tagName === "TH" ? (part.scope.startsWith("col") ? "columnheader" : "rowheader") : ROLES[part.tagName];
    if (role) part.setAttribute("role", role);
  }
}
document.addEventListener("htmx:afterSettle", nameTables);
later(nameTables);

// --- Terms explain themselves in a panel beside them: on hover, focus or tap; Escape closes it.

const panel = document.getElementById("term-panel");
const explained = new Map();
let openTerm = null;
let timer = 0;

async function explain(term) {
  openTerm = term;
  const address = term.getAttribute("href").replace(/#.*$/, "") + "panel/";
  if (!explained.has(address)) {
    const response = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!response || !response.ok) return;
    explained.set(address, await response.text());
  }
  if (openTerm !== term) return;
  panel.innerHTML = explained.get(address);
  panel.hidden = false;
  // Below the word, or above it where there is no room; never over it.
  const word = term.getClientRects()[0] || term.getBoundingClientRect();
  const left = Math.min(Math.max(word.left, 16), document.documentElement.clientWidth - panel.offsetWidth - 16);
  const below = word.bottom + 6;
  const top = below + panel.offsetHeight < window.innerHeight ? below : word.top - panel.offsetHeight - 6;
  panel.style.left = `${left + window.scrollX}px`;
  panel.style.top = `${Math.max(top, 6 - window.scrollY) + window.scrollY}px`;
  term.setAttribute("aria-describedby", "term-panel");
}

function closePanel() {
  clearTimeout(timer);
  if (openTerm) openTerm.removeAttribute("aria-describedby");
  openTerm = null;
  panel.hidden = true;
}

const termAt = (event) => (event.target instanceof Element ? event.target.closest("a.term") : null);
const inPanel = (event) => event.target instanceof Element && panel.contains(event.target);

document.addEventListener("mouseover", (event) => {
  const term = termAt(event);
  clearTimeout(timer);
  if (term && term !== openTerm) timer = setTimeout(explain, 250, term);
  else if (openTerm && !term && !inPanel(event) && document.activeElement !== openTerm) timer = setTimeout(closePanel, 400);
});
document.addEventListener("focusin", (event) => {
  const term = termAt(event);
  if (term) explain(term);
  else if (openTerm && !inPanel(event)) closePanel();
});
let touched = false;
document.addEventListener("pointerdown", (event) => { touched = event.pointerType === "touch"; });
document.addEventListener("click", (event) => {
  const term = termAt(event);
  // A first tap explains; the panel holds the link to the page.
  if (term && touched && (panel.hidden || openTerm !== term)) { event.preventDefault(); explain(term); }
  else if (!term && !inPanel(event)) closePanel();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || panel.hidden) return;
  const term = openTerm;
  closePanel();
  if (term && inPanel(event)) term.focus();
});

// --- Visit sheet: the sum is made here, and notes never leave the browser.

for (const form of document.querySelectorAll("[data-cost]")) {
  const sum = form.parentElement.querySelector(".sum");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    const [sessions, price, topUps] = [...form.querySelectorAll("input")].map((field) => Number(field.value) || 0);
    sum.textContent = sessions && price ? ((sessions + topUps) * price).toLocaleString("en-GB") : "________";
  });
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
for (const field of document.querySelectorAll("[data-keep]")) {
  try {
    field.value = localStorage.getItem(field.dataset.keep) || "";
    field.addEventListener("input", () => localStorage.setItem(field.dataset.keep, field.value));
  } catch { /* storage is switched off: the field still takes notes for printing */ }
}

// The contents list says where the reader is, and folds itself again once it was used on a phone.
const listed = [...document.querySelectorAll(".contents a")];
const above = new Set(); // the headings that have passed the upper part of the window

function follow(changes) {
  for (const { target, isIntersecting } of changes) above[isIntersecting ? "add" : "delete"](target.id);
  const here = listed.findLast((link) => above.has(link.hash.slice(1)));
  for (const link of listed) {
    if (link === here) link.setAttribute("aria-current", "location");
    else link.removeAttribute("aria-current");
  }
}

if (listed.length) {
  const watch = new IntersectionObserver(follow, { rootMargin: "1000000px 0px -80% 0px" });
  const watchHeadings = () => {
    watch.disconnect();
    above.clear();
    for (const link of listed) {
      const heading = document.getElementById(link.hash.slice(1));
      if (heading) watch.observe(heading);
    }
  };
  document.addEventListener("htmx:afterSettle", watchHeadings); // a new part may stand in the place of an old one
  later(watchHeadings);
  for (const link of listed) link.addEventListener("click", () => { link.closest("details").open = false; });
}

// A link to an entry inside a folded part opens it.
function unfold() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let box = target && target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
}
window.addEventListener("hashchange", unfold);
unfold();

// On paper nothing can be unfolded, so everything is; a comparison prints as it is shown.
let opened = [];
window.addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")].filter((box) => !box.closest(".compare"));
  opened.forEach((box) => { box.open = true; });
});
window.addEventListener("afterprint", () => { opened.forEach((box) => { box.open = false; }); });

// --- The evidence map: the mark under the pointer or in focus is read out in the corner; its link says the same to screen readers.

function readOut(event) {
  const said = document.querySelector(".map-said");
  const mark = event.target instanceof Element && event.target.closest(".evidence-map li a");
  if (said && mark) said.textContent = mark.textContent;
}
document.addEventListener("mouseover", readOut);
document.addEventListener("focusin", readOut);

// --- Suggestions under a search box, after the combobox pattern of the ARIA Authoring Practices. The options are links
// that the server makes; when it gives no answer, the form searches as any form does.

for (const [number, form] of document.querySelectorAll("form[data-suggest]").entries()) {
  const box = form.querySelector("input[type=search]");
  const list = document.createElement("div");
  let options = [];
  let active = -1;
  let timer = 0;
  let request = null;

  list.id = `suggestions-${number}`;
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  box.parentElement.classList.add("has-suggestions");
  box.after(list);
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-haspopup", "listbox");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");

  function choose(index) {
    if (options[active]) options[active].setAttribute("aria-selected", "false");
    active = index;
    const option = options[active];
    if (!option) return box.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  }

  function open(isOpen) {
    choose(-1);
    list.hidden = !isOpen;
    box.setAttribute("aria-expanded", String(isOpen));
  }

  // No answer that is still on its way may change the list any more.
  function settle() {
    clearTimeout(timer);
    if (request) request.abort();
  }

  function close() {
    settle();
    open(false);
  }

  async function ask() {
    if (request) request.abort();
    const words = box.value.trim();
    if (!words) return open(false);
    request = new AbortController();
    try {
      const address = `${form.dataset.suggest}?${new URLSearchParams({ q: words })}`;
      const response = await fetch(address, { signal: request.signal });
      if (!response.ok) return open(false);
      list.innerHTML = await response.text();
    } catch {
      return; // a newer word is being asked for, or there is no network
    }
    options = [...list.querySelectorAll("[role=option]")];
    options.forEach((option, index) => { option.id = `${list.id}-${index}`; });
    open(options.length > 0 && document.activeElement === box);
    const count = ngettext("%s suggestion. Use the arrow keys to choose.", "%s suggestions. Use the arrow keys to choose.", options.length);
    document.getElementById("status").textContent = options.length ? fill(count, options.length) : gettext("No suggestions.");
  }

  function askSoon(event) {
    if (event.isComposing) return; // half a Chinese, Japanese or Korean word
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  }

  box.addEventListener("input", askSoon);
  box.addEventListener("compositionend", askSoon);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const last = options.length - 1;
    const isOpen = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) {
        if (options.length && box.value.trim()) open(true);
        else return ask();
        if (event.altKey) return;
      }
      settle(); // who is choosing keeps the list they choose from
      if (event.key === "ArrowDown") choose(active < last ? active + 1 : -1);
      else choose(active === -1 ? last : active - 1);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault(); // the words stay; a second Escape empties the box
      close();
    } else if (event.key === "Enter") {
      if (isOpen && options[active]) {
        event.preventDefault();
        options[active].click();
      } else close();
    } else if ((event.key === "Home" || event.key === "End") && isOpen && active !== -1) {
      event.preventDefault();
      choose(event.key === "Home" ? 0 : last);
    } else if (event.key === "Tab") {
      close();
    }
  });
  box.addEventListener("blur", close);
  form.addEventListener("submit", close);
  // A press on a suggestion leaves the focus in the box, so that the list is still there when the click arrives.
  list.addEventListener("mousedown", (event) => event.preventDefault());
}
