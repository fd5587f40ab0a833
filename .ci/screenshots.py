"""Pictures of the site as it is: `make screenshots`.

`screenshots.py show` takes those that the README and /about/ show, into static/img/. `screenshots.py smoke` looks at
every type of page on a phone and on a desk, light and dark, into the folder that ARTEFACTS names (or .data/artefacts),
and fails when a page answers with an error, asks another host for something, or its console holds an error. Both
start a production server of their own, on the shipped content, in a scratch folder.
"""
# ruff: noqa: S603, T201

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tests.conftest import CHROMIUM_ARGUMENTS, find_chromium  # noqa: E402

IMAGES = ROOT / "static/img"
MOST_BYTES = 150_000
SCHEMES = ("light", "dark")
PAIR = "item=exosome-microneedling&item=prp-microneedling"
AD = (
    "Our exosome serum with growth factors erases wrinkles and regrows hair, guaranteed! "
    "FDA registered, no side effects, results after one session."
)
PAGES = {
    "home": "/",
    "glossary": "/glossary/",
    "concept": "/glossary/exosomes/",
    "concept-by-route": "/glossary/prp/?route=injected",
    "products": "/products/",
    "category": "/products/exosome-microneedling/?where=UK",
    "compare-start": "/compare/",
    "compare": f"/compare/?{PAIR}",
    "compare-turned": f"/compare/?{PAIR}&turned=1",
    "check": "/check/",
    "visit": "/visit/",
    "visit-filled": f"/visit/?{PAIR}&where=UK",
    "search": "/search/?q=exosomes",
    "search-nothing": "/search/?q=zzzzqqqq",
    "evidence-map": "/evidence/",
    "evidence-table": "/evidence/?view=table",
    "sources": "/sources/",
    "changes": "/changes/",
    "method": "/method/",
    "standards": "/method/standards/",
    "about": "/about/",
    "privacy": "/privacy/",
    "data": "/data/",
    "api": "/api/",
    "offline": "/offline/",
    "nothing-there": "/glossary/exosomez/",
}


@contextmanager
def served() -> Iterator[str]:
    """The address of a production server with the shipped content, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="screens-") as scratch:
        # Not the settings of this place: what is shown is the guide as it ships.
        env = {"PATH": os.environ.get("PATH", ""), "HOME": scratch, "DATA_DIR": scratch, "DEBUG": "0"}
        commands = [["migrate"], ["load_content"], ["collectstatic", "--no-input"]]
        if loaded := os.environ.get("LOADED"):  # a folder where all three have been done: to load takes long
            shutil.copytree(loaded, scratch, dirs_exist_ok=True)
            commands = []
        for command in commands:
            subprocess.run([sys.executable, "manage.py", *command, "--verbosity", "0"], cwd=ROOT, env=env, check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        host = f"127.0.0.1:{port}"
        server = subprocess.Popen([sys.executable, "-m", "config.server"], cwd=ROOT, env=env | {"PORT": port})
        try:
            for _ in range(150):
                try:
                    urlopen(f"http://{host}/readyz").close()
                    break
                except URLError:
                    time.sleep(0.2)
            yield f"http://{host}"
        finally:
            server.terminate()
            server.wait()


@contextmanager
def opened(browser: Browser, width: int, height: int, scheme: str, problems: list[str]) -> Iterator[Page]:
    """A page of a visitor with such a screen; adds to `problems` what goes wrong on it."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # ty: ignore[invalid-argument-type]
        reduced_motion="reduce",
        service_workers="block",
    )
    context.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    context.on("weberror", lambda error: problems.append(str(error.error)))
    yield context.new_page()
    context.close()


def kept_small(picture: Image.Image, file: Path) -> None:
    """Save as JPEG, as good as fits into MOST_BYTES."""
    for quality in range(88, 30, -4):
        data = io.BytesIO()
        picture.convert("RGB").save(data, "JPEG", quality=quality, optimize=True, progressive=True)
        if data.tell() <= MOST_BYTES:
            break
    file.write_bytes(data.getvalue())
    print(f"{file.relative_to(ROOT)}: {picture.width} by {picture.height}, {data.tell() // 1000} kB")


def show(browser: Browser, root: str) -> list[str]:
    """The pictures of the README and of /about/."""
    problems: list[str] = []

    def shot(page: Page) -> Image.Image:
        page.wait_for_timeout(300)
        return Image.open(io.BytesIO(page.screenshot()))

    for scheme in SCHEMES:
        with opened(browser, 1280, 860, scheme, problems) as page:
            page.goto(f"{root}/glossary/exosomes/")
            page.locator("#evidence-heading").evaluate("part => part.scrollIntoView()")
            kept_small(shot(page), IMAGES / ("screenshot.jpg" if scheme == "light" else "screenshot-dark.jpg"))
    with opened(browser, 1280, 860, "light", problems) as page:
        page.goto(f"{root}/evidence/")
        kept_small(shot(page), IMAGES / "screen-map.jpg")
        page.goto(f"{root}/check/")
        page.locator("textarea").fill(AD)
        page.locator(".check-form button").first.click()
        page.locator("#result h2").first.wait_for()
        page.locator("#result").evaluate("part => part.scrollIntoView()")
        kept_small(shot(page), IMAGES / "screen-check.jpg")
    phones = []
    for address, scheme, part in (
        ("/", "light", ""),
        ("/glossary/prp/", "light", ".glance"),
        ("/glossary/prp/", "dark", ".claims tr"),
    ):
        with opened(browser, 375, 760, scheme, problems) as page:
            page.goto(root + address)
            if part:
                page.locator(part).first.evaluate("part => part.scrollIntoView()")
            phones.append(shot(page))
    gap = 30
    beside = Image.new("RGB", (3 * 375 + 2 * gap, 760), "#8d8676")
    for number, phone in enumerate(phones):
        beside.paste(phone, (number * (375 + gap), 0))
    kept_small(beside, IMAGES / "screen-phones.jpg")
    return problems


def smoke(browser: Browser, root: str) -> list[str]:
    """Every type of page, two widths, light and dark; what went wrong."""
    folder = Path(os.environ.get("ARTEFACTS") or ROOT / ".data/artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    problems = []
    for width in (375, 1280):
        for scheme in SCHEMES:
            said: list[str] = []
            with opened(browser, width, 1400, scheme, said) as page:
                page.on("request", lambda asked: asked.url.startswith(root) or said.append(f"asks {asked.url}"))  # noqa: B023
                for name, address in PAGES.items():
                    answer = page.goto(root + address)
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.jpg", type="jpeg", quality=70)
                    expected = 404 if name == "nothing-there" else 200
                    if answer is None or answer.status != expected:
                        said.append(f"answered {answer and answer.status}")
                    if expected == 404:
                        said[:] = [words for words in said if "404" not in words]  # the browser reports it
                    if page.evaluate("document.documentElement.scrollWidth") > width:
                        said.append("is wider than the screen")
                    problems += [f"{name}, {width} px, {scheme}: {words}" for words in said]
                    said.clear()
    print(f"{len(PAGES) * 4} screenshots are in {folder}")
    return problems


def main() -> int:
    """Take the pictures that the command line names, or both sets; 1 when something went wrong."""
    chosen = [task for task in (show, smoke) if task.__name__ in sys.argv[1:]] or [show, smoke]
    chromium = find_chromium()
    if chromium is None:
        print("Found no Chromium; install it, or set CHROMIUM to the program.")
        return 1
    with served() as root, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        problems = [problem for task in chosen for problem in task(browser, root)]
        browser.close()
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
