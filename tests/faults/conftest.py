"""Whole installations to be broken: each with a folder, a database and a server of its own.

| fixture | gives |
|---|---|
| `installation` | an installation on SQLite, and the same test again on PostgreSQL |
| `on_sqlite`, `on_postgresql` | one on that database |
| `cluster` | the PostgreSQL server, to be stopped and started |

Each has the tables and a little content: 200 published concepts named “Concept 1” …, a category, an editor with the role of a
reviewer, and the key of a session in which that editor is logged in.
"""

import http.client
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
STOCK = """
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
from products import search_index
from tests.factories import make_category, make_concept
concepts = [make_concept(name=f"Concept {n}", slug=f"concept-{n}", body="It is a small thing.") for n in range(1, 201)]
make_category(ingredients=concepts[:1])
search_index.rebuild()
user = User.objects.create_user("robin", password="x", is_staff=True)
user.groups.add(Group.objects.get(name="Reviewer"))
session = SessionStore()
session.update({
    "_auth_user_id": str(user.pk),
    "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
    "_auth_user_hash": user.get_session_auth_hash(),
})
session.create()
print(json.dumps([session.session_key, {c.name: c.pk for c in concepts}]))
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Answer:
    """What a server said: `status`, `headers` (names in lower case), `text`."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = response.read().decode()


class Server:
    """`python -m config.server`, with whatever it wrote to its log."""

    def __init__(self, installation, port, process, log):
        self.installation, self.port, self.process, self.log = installation, port, process, log

    def ask(self, address, data=None, *, timeout=60, **headers):
        """GET, or POST of a form by an editor who is logged in."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if address.startswith("/admin/"):
            token = "t" * 32
            headers |= {"Cookie": f"sessionid={self.installation.session}; csrftoken={token}"}
            headers |= {"Sec-Fetch-Site": "same-origin"}
            if data is not None:
                data = {**data, "csrfmiddlewaretoken": token}
        body = None
        if data is not None:
            pairs = [(k, v) for k, vs in data.items() for v in (vs if isinstance(vs, list) else [vs])]
            body = "&".join(f"{quote(str(name), safe='')}={quote(str(value), safe='')}" for name, value in pairs)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request("POST" if data is not None else "GET", address, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def until(self, address, status, within=40, **headers):
        """Ask again and again until that is the answer."""
        end = time.monotonic() + within
        while True:
            try:
                answer = self.ask(address, timeout=30, **headers)
                if answer.status == status:
                    return answer
                said = f"{answer.status}: {answer.text[:300]}"
            except OSError as error:
                said = repr(error)
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"{address}: {said}\n{self.log.read_text()[-3000:]}"
            time.sleep(0.1)

    def kill(self):
        """Every process of the server at once, in the middle of whatever it does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


HAND = """
import contextlib, io, json, sys, traceback, django
from pathlib import Path
django.setup()
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections
for line in sys.stdin:
    kind, what, name, home = json.loads(line)
    settings.DATA_DIR, settings.BACKUP_DIR = Path(home), Path(home) / "backups"
    connection.settings_dict["NAME"] = name
    code, out = 0, io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            exec(what, {"json": json}) if kind == "ask" else call_command(*what, stdout=out, stderr=out)
    except CommandError as error:
        code = 1
        out.write(str(error))
    except SystemExit as error:
        code = error.code or 0
    except BaseException:
        code = 2
        out.write(traceback.format_exc())
    connections.close_all()
    print(json.dumps([code, out.getvalue()]), flush=True)
"""


class Hand:
    """A Python that runs commands in whichever installation, so that not each has to start one."""

    def __init__(self, env):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HAND], cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def do(self, kind, what, installation):
        url = installation.env["DATABASE_URL"]
        name = url.rpartition("/")[2] if url else str(installation.home / "db.sqlite3")
        self.process.stdin.write(json.dumps([kind, what, name, str(installation.home)]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def rest(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Installation:
    """`manage` and `ask` go through the `hand` that the installation shares with others of its kind."""

    def __init__(self, home, database_url="", hand=None):
        self.home = home
        self.env = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(home),
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
        }
        self.session, self.concepts = "", {}
        self.hand = hand or Hand(self.env)

    def command(self, *arguments, **env):
        """Python started anew, with an environment of its own."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def manage(self, *arguments):
        """The output of a command that succeeds."""
        code, said = self.hand.do("manage", arguments, self)
        assert code == 0, said
        return said

    def refused(self, *arguments):
        """What a command says that fails, in a sentence and not with a traceback."""
        code, said = self.hand.do("manage", arguments, self)
        assert code == 1, said
        return said

    def ask(self, code):
        """Run Python that prints JSON, in this installation."""
        status, said = self.hand.do("ask", code, self)
        assert status == 0, said
        return json.loads(said.strip().splitlines()[-1])

    def stock(self):
        self.manage("migrate", "--verbosity", "0")
        self.session, self.concepts = self.ask(STOCK)

    @contextmanager
    def server(self, **env):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = self.home.with_name(f"server-{port}.log")
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "config.server"],
                cwd=ROOT,
                env=self.env | {"HOST": "127.0.0.1", "PORT": str(port), "WORKERS": "1", "DEBUG": "0"} | env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(self, port, process, log)
        try:
            server.until("/healthz", 200)
            yield server
        finally:
            server.stop()


# --- SQLite


@pytest.fixture(scope="session")
def static_files(tmp_path_factory):
    home = tmp_path_factory.mktemp("static")
    env = {"DATA_DIR": str(home), "PATH": ""}
    subprocess.run([sys.executable, "manage.py", "collectstatic", "--no-input", "-v0"], cwd=ROOT, env=env, check=True)
    return home / "static"


@pytest.fixture(scope="session")
def stocked(tmp_path_factory, static_files):
    """An installation on SQLite that is copied, not used."""
    made = Installation(tmp_path_factory.mktemp("stocked"))
    made.stock()
    yield made
    made.hand.rest()


@pytest.fixture
def on_sqlite(stocked, static_files, tmp_path):
    home = tmp_path / "sqlite"
    copied_to(home, stocked, static_files)
    made = Installation(home, hand=stocked.hand)
    made.session, made.concepts = stocked.session, stocked.concepts
    return made


def copied_to(home, stocked, static_files):
    """The database, and static files as a link."""
    home.mkdir(exist_ok=True)
    (home / "static").symlink_to(static_files)
    shutil.copy(stocked.home / "secret-key", home)
    for file in stocked.home.glob("db.sqlite3*"):
        shutil.copy(file, home)


# --- PostgreSQL


class Cluster:
    """A PostgreSQL server of our own, reached through a socket file."""

    def __init__(self, programs, home):
        self.programs, self.home = programs, home
        self.as_user = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            names = {entry.pw_name: entry for entry in pwd.getpwall()}
            user = names.get("postgres") or names["nobody"]
            os.chown(home, user.pw_uid, user.pw_gid)
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.call("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        self.start()

    def call(self, name, *arguments):
        with (self.home / f"{name}.log").open("w") as log:
            subprocess.run(
                [self.programs / name, "-D", str(self.home / "data"), *arguments],
                **self.as_user, cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True,
            )  # fmt: skip

    def start(self):
        options = f"-k {self.home} -c listen_addresses='' -c max_connections=60"
        self.call("pg_ctl", "start", "-w", "-l", str(self.home / "data" / "log"), "-o", options)

    def stop(self):
        self.call("pg_ctl", "stop", "-w", "-m", "immediate")

    def processes(self):
        """The server and everything it has started."""
        first = int((self.home / "data" / "postmaster.pid").read_text().split()[0])
        return [first, *children(first)]

    @contextmanager
    def frozen(self):
        """It takes connections and says nothing."""
        pids = self.processes()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def connect(self, name="postgres"):
        import psycopg

        return psycopg.connect(host=str(self.home), user="postgres", dbname=name, autocommit=True)

    def run(self, statement):
        with self.connect() as connection:
            connection.execute(statement)

    def url(self, name):
        return f"postgres://postgres@{quote(str(self.home), safe='')}/{name}"


def programs():
    """The folder of PostgreSQL's server programs; None where there are none."""
    spec = importlib.util.spec_from_file_location("ci_test", ROOT / ".ci" / "test.py")
    ci = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ci)
    return ci.postgresql_bin()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    if (found := programs()) is None:
        pytest.skip("found no PostgreSQL server programs.")
    # Short, because the path of a socket file is limited to about a hundred characters.
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    made = Cluster(found, home)
    yield made
    made.stop()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def stocked_postgresql(cluster, tmp_path_factory):
    cluster.run("CREATE DATABASE stocked")
    made = Installation(tmp_path_factory.mktemp("stocked-pg"), cluster.url("stocked"))
    made.stock()
    yield made
    made.hand.rest()


@pytest.fixture
def on_postgresql(cluster, stocked_postgresql, static_files, tmp_path):
    name = f"guide_{secrets.token_hex(4)}"
    cluster.run(f"CREATE DATABASE {name} TEMPLATE stocked")
    home = tmp_path / "postgresql"
    home.mkdir()
    (home / "static").symlink_to(static_files)
    shutil.copy(stocked_postgresql.home / "secret-key", home)
    made = Installation(home, cluster.url(name), stocked_postgresql.hand)
    made.session, made.concepts = stocked_postgresql.session, stocked_postgresql.concepts
    yield made
    cluster.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(request):
    return request.getfixturevalue(f"on_{request.param}")
