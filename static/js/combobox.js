// Suggestions under a search box, after the combobox pattern of the ARIA Authoring Practices. The options are links
// that the server makes; without this file, or when it gets no answer, the form searches as any form does.
"use strict";

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
    const count = options.length === 1 ? "1 suggestion" : `${options.length} suggestions`;
    document.getElementById("status").textContent = options.length ? `${count}. Use the arrow keys to choose.` : "No suggestions.";
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
