// Starts the service worker (worker.js), and shows on the page about reading offline what this browser keeps.
"use strict";

const worker = document.currentScript.dataset.worker;
if ("serviceWorker" in navigator) {
  window.addEventListener("load", () => { navigator.serviceWorker.register(worker).catch(() => {}); });

  // An address that htmx moved to was never asked for as a whole page: the worker fetches it once the visitor stays.
  let stays = 0;
  document.addEventListener("htmx:pushedIntoHistory", () => {
    clearTimeout(stays);
    stays = setTimeout(() => navigator.serviceWorker.controller?.postMessage({ visited: location.href }), 3000);
  });
}

const saved = document.getElementById("saved-pages");

async function showSaved() {
  const cache = await caches.open("pages-1");
  const rows = await Promise.all((await cache.keys()).map(async (request) => {
    const answer = await cache.match(request, { ignoreVary: true });
    const title = new DOMParser().parseFromString(await answer.text(), "text/html").title.replace(/ · Claimed & Shown$/, "");
    const row = document.createElement("li");
    const link = document.createElement("a");
    const date = document.createElement("span");
    link.href = request.url;
    link.textContent = title;
    date.className = "quiet";
    date.textContent = ` saved ${new Date(answer.headers.get("Date")).toLocaleDateString("en-GB", { dateStyle: "long" })}`;
    row.append(link, date);
    return row;
  }));
  saved.querySelector("ul").replaceChildren(...rows.reverse());
  saved.hidden = !rows.length;
}

if (saved && "caches" in window) {
  showSaved();
  saved.querySelector("button").addEventListener("click", async () => {
    await caches.delete("pages-1");
    await showSaved();
    document.getElementById("status").textContent = "The saved pages are gone from this browser.";
    document.getElementById("main").focus();
  });
}
