// Service worker: what a visitor has read can be read again without a connection. Pages come from the network first;
// a kept copy is shown only when no answer comes, and it says its date. Nothing that somebody typed is kept.
"use strict";

const PAGES = "pages-1";
const FILES = "files-1";
const MOST = { [PAGES]: 60, [FILES]: 80 };
const ROOT = new URL("./", location.href).pathname; // "/", or the path that the site stands below
const ALWAYS = ["offline/", "glossary/", "visit/"].map((path) => ROOT + path);
const FIRST = navigator.connection?.saveData ? ALWAYS.slice(0, 1) : ALWAYS; // who saves data gets the others when they read them
const NEVER = ["api/", "check/", "search/"].map((path) => ROOT + path); // and what says no-store, as the editors' desk does
const NEVER_CHANGES = /\.[0-9a-f]{12}\.\w+$/; // the name holds a hash of what is in the file

const mayKeep = (address) => new URL(address).origin === location.origin && !NEVER.some((path) => new URL(address).pathname.startsWith(path));
const find = (name, address) => caches.match(address, { cacheName: name, ignoreVary: true });

async function put(name, address, answer) {
  const cache = await caches.open(name);
  await cache.put(address, answer);
  const kept = (await cache.keys()).filter(({ url }) => !ALWAYS.includes(url.slice(location.origin.length)));
  for (const oldest of kept.slice(0, -MOST[name])) await cache.delete(oldest, { ignoreVary: true });
}

async function keepPage(address, answer) {
  if (!mayKeep(address)) return;
  // What was taken back is not shown offline either.
  if (answer.status === 404 || answer.status === 410) await (await caches.open(PAGES)).delete(address, { ignoreVary: true });
  const isPage = (answer.headers.get("Content-Type") || "").startsWith("text/html");
  if (!answer.ok || answer.redirected || !isPage || /no-store|private/.test(answer.headers.get("Cache-Control"))) return;
  const text = await answer.clone().text();
  await put(PAGES, address, answer);
  for (const [, file] of text.matchAll(/(?:href|src)="(\/static\/[^"]+\.(?:css|js|woff2))"/g)) {
    if (await find(FILES, file)) continue;
    const found = await fetch(file, { cache: "force-cache" }); // the page has just fetched it
    if (found.ok) await put(FILES, file, found);
  }
}

const fetchPage = async (path, cache = "default") => {
  const address = new URL(path, location.origin).href;
  if (mayKeep(address)) await keepPage(address, await fetch(address, { cache }));
};

async function savedCopy(address) {
  const kept = mayKeep(address) && (await find(PAGES, address));
  if (!kept) return (await find(PAGES, ALWAYS[0])) || Response.error();
  if (new URL(address).pathname === ALWAYS[0]) return kept;
  const date = new Date(kept.headers.get("Date")).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  const note = `<div class="wrap"><p class="overdue saved-copy" role="status"><strong>Saved copy from ${date}; you are offline</strong>, or the site does not answer. What it says may have changed since.</p></div>`;
  const headers = new Headers(kept.headers);
  headers.delete("Content-Encoding");
  headers.delete("Content-Length");
  return new Response((await kept.text()).replace(/<main[^>]*>/, (tag) => tag + note), { headers });
}

async function page(event) {
  try {
    const answer = await fetch(event.request);
    event.waitUntil(keepPage(event.request.url, answer.clone()).catch(() => {}));
    return answer;
  } catch {
    return savedCopy(event.request.url);
  }
}

async function file(event) {
  const { url } = event.request;
  const kept = await find(FILES, url);
  if (kept && NEVER_CHANGES.test(url)) return kept;
  try {
    const answer = await fetch(event.request);
    if (answer.ok) event.waitUntil(put(FILES, url, answer.clone()).catch(() => {}));
    return answer;
  } catch {
    return kept || Response.error();
  }
}

addEventListener("install", (event) => {
  event.waitUntil(Promise.all(FIRST.map((path) => fetchPage(path))).then(() => skipWaiting()));
});

addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (!(name in MOST)) await caches.delete(name);
  await clients.claim();
  // The pages that were open before there was a worker have been visited, too.
  for (const client of await clients.matchAll({ type: "window" })) await fetchPage(client.url, "force-cache").catch(() => {});
})()));

addEventListener("message", (event) => {
  if (event.data.visited) event.waitUntil(fetchPage(event.data.visited).catch(() => {}));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(event));
  else if (pathname.startsWith(`${ROOT}static/`)) event.respondWith(file(event));
});
