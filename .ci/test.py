"""Every check and test of the project: what `make test` runs.

Runs all steps even when one fails, and ends by saying what failed and what was left out. REQUIRE_ALL=1
makes leaving anything out a failure. Nothing here reads `.data/`, and no setting comes from the environment. A
screenshot of every type of page is left in the folder that ARTEFACTS names, or in `.data/artefacts/`.
"""
# ruff: noqa: S603, T201

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / ".ci")]  # also for those who load this file from elsewhere
import settings_table  # noqa: E402

from tests.conftest import find_chromium  # noqa: E402

BIN = Path(sys.executable).parent
OLDEST_POSTGRESQL = 15  # what this Django takes
SETTINGS = settings_table.names() | {"DJANGO_SETTINGS_MODULE"}


class Run:
    """One `make test`: its scratch folder, and what has failed or was left out so far."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.env = {k: v for k, v in os.environ.items() if k not in SETTINGS} | {"DATA_DIR": str(scratch / "data")}
        self.failed: list[str] = []
        self.left_out: list[str] = []
        self.unreachable: list[str] = []  # left out for want of a network, which is no failure
        self.passed: list[str] = []
        self.running: list[subprocess.Popen] = []

    def step(self, name: str, *command: str | Path, **env: str) -> bool:
        """Run a command. Others run meanwhile, so all that it has to say is printed at its end."""
        print(f"-- {name} begins", flush=True)
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.running.append(process)
        said, _ = process.communicate()
        self.running.remove(process)
        print(f"\n== {name}: {time.monotonic() - started:.0f} s\n{said}", flush=True)
        if process.returncode:
            self.failed.append(name)
        return process.returncode == 0

    def stop(self, *_: Any) -> None:
        """For a signal: what has begun is ended, so that the cluster is stopped, and nothing new begins."""
        for process in self.running:
            process.terminate()
        sys.exit(143)

    def manage(self, name: str, *arguments: str, **env: str) -> bool:
        return self.step(name, sys.executable, "manage.py", *arguments, **env)

    def pytest(self, name: str, *arguments: str, **env: str) -> None:
        """Run the tests; each skipped one counts as left out, with its reason."""
        data = self.scratch / name.replace(" ", "-")  # each run with a folder of its own
        report = data / "report.xml"
        data.mkdir()
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--durations=8",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            *arguments,
        ]
        self.step(name, *command, **env | {"DATA_DIR": str(data)})
        if not report.exists():
            return
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - our own file
        reasons = Counter(skip.get("message", "") for case in cases for skip in case.iter("skipped"))
        self.left_out += [f"{count} tests ({name}): {reason}" for reason, count in reasons.items()]
        self.passed.append(f"{len(cases) - reasons.total()} {name}")


# --- PostgreSQL


def postgresql_bin() -> Path | None:
    """The folder of the newest PostgreSQL server programs that are recent enough."""
    folders = {Path(path).parent for path in [shutil.which("initdb")] if path}
    folders |= set(Path("/usr/lib/postgresql").glob("*/bin"))
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        folders.add(Path(answer.stdout.strip()))
    found = {}
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
            if (version := re.search(r"\d+", answer.stdout)) and int(version[0]) >= OLDEST_POSTGRESQL:
                found[int(version[0])] = folder
    return found[max(found)] if found else None


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of a cluster of our own, reached through a socket file and gone afterwards."""
    # Short, because the path of a socket file is limited to about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="pg-") as home:
        as_user: dict = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            import pwd

            names = {entry.pw_name: entry for entry in pwd.getpwall()}
            user = names.get("postgres") or names["nobody"]
            os.chown(home, user.pw_uid, user.pw_gid)
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

        def call(program: str, *arguments: str) -> None:
            done = subprocess.run(
                [folder / program, "-D", f"{home}/data", *arguments],
                **as_user,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=(log := (Path(home) / f"{program}.log").open("w+")),
                stderr=subprocess.STDOUT,
                check=False,
            )
            with log:
                if done.returncode:
                    log.seek(0)
                    server_log = Path(home) / "data" / "log"
                    print(log.read(), server_log.read_text() if server_log.exists() else "")
                    raise RuntimeError(f"{program} failed")

        call("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        speed = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        try:
            call(
                "pg_ctl",
                "start",
                "-w",
                "-l",
                f"{home}/data/log",
                "-o",
                f"-k {home} -c listen_addresses='' {speed}",
            )
            yield f"postgres://postgres@{quote(home, safe='')}/postgres"
        finally:
            call("pg_ctl", "stop", "-w", "-m", "immediate")


# --- All of it


def check(run: Run) -> None:
    """Three steps at a time, which together keep two cores busy; the long ones first, so that both end together."""
    steps = [
        set_up,
        in_a_browser,
        on_sqlite,
        on_postgresql,
        content_on_sqlite,
        content_on_postgresql,
        look_at_the_code,
        restore_drill,
        screenshots,
    ]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda step: step(run), steps))


def look_at_the_code(run: Run) -> None:
    run.step("ruff check", BIN / "ruff", "check", ".")
    run.step("ruff format", BIN / "ruff", "format", "--check", ".")
    run.step("types", BIN / "mypy", "--cache-dir", run.scratch / "types")
    audit(run)


def set_up(run: Run) -> None:
    """An installation with the content that ships, in the scratch folder."""
    run.manage("check", "check", "--fail-level", "WARNING")
    production = {"SECRET_KEY": secrets.token_urlsafe(60), "ALLOWED_HOSTS": "guide.example.org"}
    run.manage("check --deploy", "check", "--deploy", "--fail-level", "WARNING", **production)
    run.manage("migrations are complete", "makemigrations", "--check", "--dry-run")
    run.manage("collectstatic", "collectstatic", "--no-input", "--verbosity", "0")
    if run.manage("migrate", "migrate", "--verbosity", "0") and run.manage("load_content", "load_content"):
        run.manage("check_content", "check_content")
        run.env["LOADED"] = run.env["DATA_DIR"]  # for those that would load it once more


def audit(run: Run) -> None:
    """Known weaknesses of what a server installs. Where the list of them cannot be asked, that says nothing about the code: so it
    is told, and is no failure even with REQUIRE_ALL=1."""
    command = [BIN / "pip-audit", "-r", "requirements.txt", "--require-hashes", "--disable-pip"]
    command += ["--format=json", "--progress-spinner=off", "--timeout=10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        if not re.search(r"ServiceError|ConnectionError|Max retries|[Tt]imed out", done.stderr):
            print(done.stderr)
            run.failed.append("pip-audit")
        packages = []
    weak = [f"{package['name']}: {found['id']}" for package in packages for found in package.get("vulns", [])]
    print(
        "\n".join(["\n== pip-audit", *weak]) if weak else f"\n== pip-audit: {len(packages)} packages looked at",
        flush=True,
    )
    if weak:
        run.failed.append("pip-audit")
    unknown = sum("skip_reason" in package for package in packages)
    if unknown or not packages:
        run.unreachable.append(f"pip-audit: the list of weaknesses gave no answer on {unknown or 'any'} packages")


def in_a_browser(run: Run) -> None:
    if find_chromium():
        run.pytest("tests in a browser", "-m", "browser")
    else:
        run.left_out.append(
            "browser tests, screenshots: found no Chromium; install it, or set CHROMIUM to the program."
        )


def screenshots(run: Run) -> None:
    if find_chromium():
        run.step("screenshot of every type of page", sys.executable, ".ci/screenshots.py", "smoke")


def on_sqlite(run: Run) -> None:
    run.pytest("tests on SQLite", "-m", "not browser and not faults and not content")


def content_on_sqlite(run: Run) -> None:
    run.pytest("tests of the content on SQLite", "-m", "content and not browser and not faults")


def on_postgresql(run: Run) -> None:
    if postgresql_bin():
        chosen = "not browser and not faults and not content and not one_database"
        with_postgresql(run, "tests on PostgreSQL", "-m", chosen)
    else:
        run.left_out.append(
            f"every test on PostgreSQL: found no server programs of version {OLDEST_POSTGRESQL} or later; "
            "install postgresql, or put the folder of initdb on the PATH."
        )


def content_on_postgresql(run: Run) -> None:
    """What the content says is the same on either database; how it is searched is not."""
    if postgresql_bin():
        with_postgresql(run, "tests of the content on PostgreSQL", "-m", "content and postgresql and not one_database")


def with_postgresql(run: Run, name: str, *arguments: str) -> None:
    try:
        with postgresql(postgresql_bin()) as url:
            run.pytest(name, *arguments, DATABASE_URL=url)
    except RuntimeError as error:
        run.failed.append(f"{name}: {error}")


def restore_drill(run: Run) -> None:
    """Of the faults, those without which nothing is safe: a backup brings everything back. `make faults` tries them all."""
    run.pytest("restore drill", "-m", "faults", "tests/faults/test_backup.py")


def main() -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="guide-") as scratch:
        run = Run(Path(scratch))
        signal.signal(signal.SIGTERM, run.stop)
        check(run)
    print()
    for what in run.left_out + run.unreachable:
        print(f"Left out: {what}")
    spent = f"in {time.monotonic() - started:.0f} s"
    if run.failed:
        print(f"FAILED {spent}: {'; '.join(run.failed)}.")
        return 1
    if run.left_out and os.environ.get("REQUIRE_ALL") == "1":
        print(f"FAILED {spent}: REQUIRE_ALL=1, and the lines above say what was left out.")
        return 1
    but = ", except what was left out" if run.left_out or run.unreachable else ""
    print(f"Everything passed {spent}{but}: checks, content, {', '.join(run.passed)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
