// The page about reading offline shows what this browser keeps.
"use strict";

{
  const { gettext = (words) => words } = window;
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
      const day = new Date(answer.headers.get("Date")).toLocaleDateString(document.documentElement.lang, { dateStyle: "long" });
      date.textContent = ` ${gettext("saved %s").replace("%s", () => day)}`;
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
      document.getElementById("status").textContent = gettext("The saved pages are gone from this browser.");
      document.getElementById("main").focus();
    });
  }
}
