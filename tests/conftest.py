"""What tests may ask for.

| fixture | gives |
|---|---|
| `page`, `page_without_javascript` | a browser page; an error on it, or a request elsewhere, fails the test |
| `page_problems` | what is wrong with the page so far; `clear()` it where a test provokes an error |
| `shipped_content` | the content that ships, loaded once for all tests that ask for it |
| `entry_pages` | of that content, the answer of every concept, category and ready-made comparison, by address |
"""

import os
import shutil
import sqlite3
from contextlib import closing
from operator import methodcaller
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client, override_settings

from glossary import edition, pieces

PAGES = {"browser", "page", "page_without_javascript"}
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that open a page are browser tests, those on the shipped content are content tests: mark them."""
    for item in items:
        names = set(getattr(item, "fixturenames", []))
        if names & PAGES:
            item.add_marker(pytest.mark.browser)
        if "shipped_content" in names:
            item.add_marker(pytest.mark.content)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    """Tests on the shipped content come last; otherwise the order stays as pytest and pytest-django made it."""
    session.items.sort(key=lambda item: "shipped_content" in getattr(item, "fixturenames", []))


@pytest.fixture(scope="session", autouse=True)
def fit_for_tests(tmp_path_factory):
    """Static files under plain names, since hashed ones need collectstatic; passwords that cost no time."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        STORAGES=settings.STORAGES | {"staticfiles": plain},
        STATIC_ROOT=tmp_path_factory.mktemp("static"),
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture(autouse=True)
def fresh_caches():
    """The API counts its callers in a cache; pages, and pieces of them, are kept. All of it outlives a test."""
    for name in settings.CACHES:
        caches[name].clear()
    pieces.forget()
    edition.forget()


@pytest.fixture(scope="session")
def shipped_content(django_db_setup, django_db_blocker):
    """The shipped content, in a transaction that spans all tests that ask for it and is rolled back at the end.

    Loading takes seconds, so it happens once; these tests come last (see below), since the others want an empty guide.
    Each runs in a savepoint inside and may change what it likes. For `db` tests only: a `transactional_db` or browser
    test would not see the content. Where LOADED names the data folder of an installation that has loaded it, its
    database is copied instead, on SQLite.
    """
    with django_db_blocker.unblock():
        if copied := connection.vendor == "sqlite" and "LOADED" in os.environ:
            connection.ensure_connection()
            with closing(sqlite3.connect(Path(os.environ["LOADED"]) / "db.sqlite3")) as loaded:
                loaded.backup(connection.connection)
    with django_db_blocker.unblock(), transaction.atomic():
        if not copied:
            call_command("load_content", verbosity=0)
        # Between the tests the database is as closed as ever.
        with django_db_blocker.block():
            yield
        transaction.set_rollback(True)


@pytest.fixture(scope="session")
def entry_pages(shipped_content, django_db_blocker):
    """Made once, since to make them all takes long: for tests that only look at them."""
    from glossary.models import Concept
    from products.models import Category, ReadyMade

    with django_db_blocker.unblock():
        entries = [*Concept.objects.published(), *Category.objects.published(), *ReadyMade.objects.all()]
        client = Client()
        return {address: client.get(address) for address in map(methodcaller("get_absolute_url"), entries)}


# --- Browser


def find_chromium(*, with_windows=False):
    """The path of an installed Chromium or Chrome, or None. The one without windows opens pages three times as fast."""
    names = ["chromium", "chromium-browser", "google-chrome"]
    names = [os.environ.get("CHROMIUM"), *(names if with_windows else ["chromium-headless-shell", *names])]
    return next((path for name in names if name and (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def launch():
    """Starts a headless browser from a path, for the rest of the run; without one, the test is left out."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=10_000)  # as the pages' own, below: a machine at work on other tests may take its time
    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = []

        def launch(path):
            if path is None:
                pytest.skip("found no Chromium; install it, or set CHROMIUM to the program.")
            started.append(playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS))
            return started[-1]

        yield launch
        for browser in started:
            browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def browser(launch):
    """One headless Chromium for the whole run."""
    return launch(find_chromium())


@pytest.fixture
def page_problems():
    """Sentences on what went wrong on the page: script errors, policy violations, requests to other hosts."""
    return []


@pytest.fixture
def page(browser, live_server, page_problems):
    """A fresh browser page; addresses may start with a slash."""
    yield from _open(browser, live_server, page_problems)


@pytest.fixture
def page_without_javascript(browser, live_server, page_problems):
    """As `page`, with scripts switched off."""
    yield from _open(browser, live_server, page_problems, java_script_enabled=False)


def _open(browser, live_server, problems, **options):
    def watch_console(message):
        if message.type == "error":
            problems.append(f"console: {message.text} ({message.location.get('url')})")

    def watch_script(error):
        # A browser that has no time for a transition between two pages leaves it out and says so; that is no fault.
        if "Transition was aborted" not in str(error.error):
            problems.append(f"script error: {error.error}")

    def watch_request(request):
        url = urlsplit(request.url)
        if url.scheme in ("http", "https", "ws", "wss") and url.netloc != urlsplit(live_server.url).netloc:
            problems.append(f"request to another host: {request.url}")

    context = browser.new_context(base_url=live_server.url, **options)
    context.set_default_timeout(10_000)
    context.on("console", watch_console)
    context.on("weberror", watch_script)
    context.on("request", watch_request)
    yield context.new_page()
    context.close()
    assert not problems, "\n".join(problems)
