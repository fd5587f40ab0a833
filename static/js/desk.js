// What the desk does beyond forms: previews while writing, links put into a text, and nothing typed lost. Without this
// file every form still saves, and shows its preview after saving.
"use strict";

(() => {
  const { gettext = (words) => words } = window; // Django's catalogue of another language, where the admin has loaded one
  const fill = (words, value) => words.replace("%s", () => value);

  const mark = document.getElementById("desk-kept");
  const form = mark && mark.closest("form");

  // --- One live region says what happened.

  const live = document.createElement("div");
  live.className = "visually-hidden";
  live.setAttribute("role", "status");
  document.body.append(live);

  function say(text) {
    live.textContent = "";
    if (text) setTimeout(() => { live.textContent = text; }, 60);
  }

  // --- What is typed stays in this browser until the server has it. Keyed by who, which form, and the save it began from.

  const PREFIX = "desk:";
  const SENT = "desk-sent";
  const DAYS = 30;
  const NEVER = /^(_|csrfmiddlewaretoken$|base$|action$|.*-(TOTAL|INITIAL|MIN_NUM|MAX_NUM)_FORMS$|.*-__prefix__-)/;

  function storage(name, value) {
    // A browser may forbid storage, or have no room left: then nothing is said to be kept.
    try {
      if (value === undefined) return JSON.parse(localStorage.getItem(name));
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify(value));
      return true;
    } catch { return null; }
  }

  function tab(value) {
    try {
      const before = sessionStorage.getItem(SENT);
      if (value) sessionStorage.setItem(SENT, value);
      else if (value === null) sessionStorage.removeItem(SENT);
      return before;
    } catch { return null; }
  }

  // The page after a save says that it succeeded: then what was kept is no longer needed.
  const sent = tab();
  if (sent && document.querySelector(".messagelist .success")) {
    storage(sent, null);
    tab(null);
  }

  function forgetOld() {
    const oldest = Date.now() - DAYS * 24 * 3600 * 1000;
    try {
      for (const name of Object.keys(localStorage)) {
        if (name.startsWith(PREFIX) && !(storage(name)?.when > oldest)) storage(name, null);
      }
    } catch { /* no storage */ }
  }
  forgetOld();

  if (!form) return;

  const base = form.elements.base ? form.elements.base.value : "";
  const begin = `${PREFIX}${mark.dataset.who}:${location.pathname}:`;
  const key = begin + base;
  const refused = Boolean(document.querySelector(".errornote"));
  let isSending = false;

  function fields() {
    return [...form.elements].filter((field) => field.name && !NEVER.test(field.name)
      && !["hidden", "password", "file", "submit", "button", "fieldset", "output"].includes(field.type));
  }

  function isTouched(field) {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.options) {
      const options = [...field.options];
      // A list from which nothing was chosen shows its first line.
      if (!field.multiple && !options.some((option) => option.defaultSelected)) return field.selectedIndex > 0;
      return options.some((option) => option.selected !== option.defaultSelected);
    }
    return field.value !== field.defaultValue;
  }

  function read(field) {
    if (field.type === "checkbox") return field.checked;
    if (field.options) return [...field.selectedOptions].map((option) => [option.value, option.text]);
    return field.value;
  }

  function touched() {
    const found = {};
    for (const field of fields()) {
      if (isTouched(field) && (field.type !== "radio" || field.checked)) found[field.name] = read(field);
    }
    return found;
  }

  function hour(when) {
    return new Date(when).toLocaleString("en-GB", { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
  }

  // --- A line at the foot of the window: the connection, the session, and whether what is typed is kept.

  const line = document.createElement("p");
  line.className = "desk-connection";
  line.setAttribute("role", "alert");
  line.hidden = true;
  document.body.append(line);

  let keptAt = 0;
  let trouble = "";

  function showTrouble(words) {
    trouble = words;
    line.hidden = !words;
    line.textContent = words && `${words} ${keptAt ? fill(gettext("What you typed is kept in this browser (%s)."), hour(keptAt)) : ""}`.trim();
  }

  // Whatever the page before had kept stays beside what is typed now until the editor has decided about it.
  let offered = null;
  const refusedBefore = refused ? storage(key)?.fields || {} : {};

  let timer = 0;
  function keep() {
    clearTimeout(timer);
    if (offered) return;
    const now = { ...refusedBefore, ...touched() };
    const when = Date.now();
    if (!Object.keys(now).length) { storage(key, null); keptAt = 0; }
    else if (storage(key, { when, fields: now })) keptAt = when;
    if (trouble) showTrouble(trouble);
  }
  function keepSoon() {
    clearTimeout(timer);
    timer = setTimeout(keep, 600);
  }

  form.addEventListener("input", keepSoon);
  form.addEventListener("change", keepSoon);
  window.addEventListener("pagehide", () => { if (Object.keys(touched()).length) keep(); });

  // --- Bringing it back

  function same(field, value) {
    const now = read(field);
    if (Array.isArray(value)) return Array.isArray(now) && now.map(([v]) => v).join() === value.map(([v]) => v).join();
    // As the server keeps a text: plain line breaks, no space around it.
    if (typeof value === "string" && typeof now === "string") return now.replaceAll("\r\n", "\n").trim() === value.replaceAll("\r\n", "\n").trim();
    return now === value;
  }

  function named(name) {
    const found = fields().filter((field) => field.name === name);
    return found.find((field) => field.type !== "radio") || found[0];
  }

  function makeRow(name) {
    // A row that was added then, and does not stand on the page now: press its “Add another” as often as it takes.
    const parts = /^(.+)-(\d+)-[^-]+$/.exec(name);
    const add = parts && document.querySelector(`#${CSS.escape(parts[1])}-group .add-row a`);
    const total = parts && form.elements[`${parts[1]}-TOTAL_FORMS`];
    for (let n = 0; add && total && n < 50 && Number(total.value) <= Number(parts[2]); n += 1) add.click();
    return named(name);
  }

  function write(name, value) {
    const field = named(name) || makeRow(name);
    if (!field) return false;
    for (let part = field.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    if (field.type === "radio") {
      const wanted = fields().find((other) => other.name === name && other.value === value);
      if (wanted) wanted.checked = true;
    } else if (field.type === "checkbox") {
      field.checked = value;
    } else if (field.options) {
      for (const [v, text] of value) {
        if (![...field.options].some((option) => option.value === v)) field.append(new Option(text, v));
      }
      const wanted = new Set(value.map(([v]) => v));
      for (const option of field.options) option.selected = wanted.has(option.value);
    } else {
      field.value = value;
    }
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  }

  function offer() {
    let newest = null;
    try {
      for (const name of Object.keys(localStorage)) {
        const kept = name.startsWith(begin) && storage(name);
        if (!kept || !kept.fields) continue;
        const differs = Object.entries(kept.fields).some(([field, value]) => {
          const now = named(field);
          return now ? !same(now, value) : !/-DELETE$/.test(field) && value !== "" && value !== false && !(Array.isArray(value) && !value.some(([v]) => v));
        });
        if (!differs) { if (!refused) storage(name, null); }
        else if (!newest || kept.when > newest.when) newest = { ...kept, name };
      }
    } catch { return; }
    if (!newest || refused) return;
    offered = newest;
    const box = document.createElement("section");
    box.className = "desk-offer";
    box.setAttribute("aria-label", gettext("What you had typed"));
    const words = document.createElement("p");
    const isOlder = newest.name !== key;
    words.textContent = fill(gettext("On %s you had typed something here that was not saved."), hour(newest.when))
      + (isOlder ? ` ${gettext("This entry has been saved since then: look at what stands here first.")}` : "");
    const back = document.createElement("button");
    back.type = "button";
    back.textContent = fill(gettext("Bring back what you had typed on %s"), hour(newest.when));
    const forget = document.createElement("button");
    forget.type = "button";
    forget.className = "desk-second";
    forget.textContent = gettext("Forget it");
    back.addEventListener("click", () => {
      const lost = Object.entries(newest.fields).filter(([name, value]) => !write(name, value)).map(([name]) => name);
      offered = null;
      storage(newest.name, null);
      keep();
      const done = document.createElement("p");
      done.textContent = gettext("What you had typed is back. It is not saved yet.")
        + (lost.length ? ` ${fill(gettext("These fields are not here any more: %s."), lost.join(", "))}` : "");
      done.tabIndex = -1;
      box.replaceChildren(done);
      done.focus();
      say(done.textContent);
    });
    forget.addEventListener("click", () => {
      offered = null;
      storage(newest.name, null);
      keep();
      box.remove();
      say(gettext("Forgotten."));
      const first = fields().find((field) => field.checkVisibility());
      if (first) first.focus();
    });
    const buttons = document.createElement("p");
    buttons.append(back, " ", forget);
    box.append(words, buttons);
    mark.after(box);
    say(words.textContent);
  }
  offer();

  // --- Leaving and sending

  window.addEventListener("beforeunload", (event) => {
    if (!isSending && (refused || Object.keys(touched()).length)) event.preventDefault();
  });

  // After a log-in in another tab the form's own token is out of date; the cookie has the present one.
  function token() {
    const found = /(?:^|; )(?:__Host-|__Secure-)?csrftoken=([^;]+)/.exec(document.cookie);
    return found && found[1];
  }

  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (!navigator.onLine) {
      event.preventDefault();
      keep();
      showTrouble(gettext("Not sent: this device has no connection. Press the button again when it is back."));
      return;
    }
    const field = event.target.elements.csrfmiddlewaretoken;
    if (field && token()) field.value = token();
    if (event.target !== form) return;
    keep();
    tab(key);
    isSending = true;
  });
  // Back from the next page, out of the browser's memory.
  window.addEventListener("pageshow", (event) => { if (event.persisted) isSending = false; });

  window.addEventListener("offline", () => { keep(); showTrouble(gettext("No connection. Previews wait until it is back.")); });
  window.addEventListener("online", () => { showTrouble(""); say(gettext("The connection is back.")); });
  if (!navigator.onLine) showTrouble(gettext("No connection. Previews wait until it is back."));

  // --- Previews: one request for each pause, with the text and what its measures need

  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, formData, headers } = event.detail;
    if (!elt.matches("[data-text]")) return;
    for (const name of new Set(formData.keys())) {
      const isNeeded = name === elt.name || name === "slug" || (elt.name === "body" && /^risks-(TOTAL_FORMS|\d+-(known|DELETE))$/.test(name));
      if (!isNeeded) formData.delete(name);
    }
    headers["X-CSRFToken"] = token() || form.elements.csrfmiddlewaretoken.value;
  });

  // A swap must not throw a reader of the preview back to its beginning.
  let scrolled = 0;
  document.addEventListener("htmx:beforeSwap", (event) => {
    scrolled = event.detail.target.querySelector(".desk-preview")?.scrollTop || 0;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const preview = event.detail.target.querySelector(".desk-preview");
    if (preview) preview.scrollTop = scrolled;
    const words = event.detail.target.querySelector("[data-status]");
    if (words) say(words.dataset.status);
    showTrouble("");
  });

  const REASONS = {
    400: gettext("This is too large for a preview."),
    401: gettext("You are logged out. Log in in another tab, then go on here; or save, and log in on the way."),
    403: gettext("The server did not accept this. Open the page again, and bring back what you typed."),
    413: gettext("This is too large for a preview."),
  };
  document.addEventListener("htmx:responseError", (event) => {
    keep();
    showTrouble(REASONS[event.detail.xhr.status] || gettext("The server could not make the preview."));
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, () => { keep(); showTrouble(gettext("The server cannot be reached, so the preview is not up to date.")); });
  }

  // Links of a preview open beside the form, never in its place.
  form.addEventListener("click", (event) => {
    const link = event.target.closest(".desk-prose a");
    if (!link) return;
    event.preventDefault();
    if (!link.getAttribute("href").startsWith("#")) window.open(link.href, "_blank", "noopener");
  });

  // --- Pickers

  for (const picker of form.querySelectorAll("[data-desk-picker]")) {
    const list = picker.querySelector(".desk-picks");
    const area = document.getElementById(list.dataset.into);
    const buttons = () => [...list.querySelectorAll("button")];
    let box = null;
    picker.hidden = false;

    picker.addEventListener("focusin", (event) => { if (event.target.type === "search") box = event.target; });
    picker.addEventListener("keydown", (event) => {
      const all = buttons();
      const at = all.indexOf(document.activeElement);
      if (event.key === "Enter" && event.target.type === "search") {
        event.preventDefault();
        if (all.length) all[0].focus();
      } else if (event.key === "ArrowDown" && all.length) {
        event.preventDefault();
        all[Math.min(at + 1, all.length - 1)].focus();
      } else if (event.key === "ArrowUp" && at >= 0) {
        event.preventDefault();
        (all[at - 1] || box).focus();
      } else if (event.key === "Escape") {
        event.preventDefault();
        list.replaceChildren();
        (box || area).focus();
      }
    });
    // An answer to the one box takes the other's away.
    picker.addEventListener("input", (event) => {
      for (const other of picker.querySelectorAll("input")) if (other !== event.target) other.value = "";
    });

    list.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const chosen = area.value.slice(area.selectionStart, area.selectionEnd);
      const words = /^[^[\]\n]+$/.test(chosen) ? chosen : button.dataset.name;
      const { says } = button.dataset;
      // A citation follows what is marked; a link takes the marked words for its own.
      const text = button.dataset.insert || `[${words}](${button.dataset.link})`;
      list.replaceChildren();
      for (const field of picker.querySelectorAll("input")) field.value = "";
      area.focus();
      if (button.dataset.insert || words !== chosen) area.selectionStart = area.selectionEnd;
      // Old-fashioned, but what it puts in can be undone with the keyboard.
      if (!document.execCommand("insertText", false, text)) {
        area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }
      say(fill(gettext("%s is in the text."), says));
    });
  }
})();
