"""The site as it is deployed: web processes behind nginx, for tests that come in by the front door."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import stage

HOST = "guide.example.org"
SECRET = "a-key-for-this-test-" * 4
STOCK = """
import django
django.setup()
from products import search_index
from tests.factories import make_category, make_concept, make_finding
concepts = [make_concept(name=f"Concept {n}", slug=f"concept-{n}", body="It is a small thing.") for n in range(1, 6)]
make_finding(concept=concepts[0])
make_category(ingredients=concepts[:1])
search_index.rebuild()
"""


class Deployed:
    """`http` and `https` are nginx's ports, `web` those of the processes behind it, `running` these processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http = self.https = 0
        self.web: list[int] = []
        self.running: list[subprocess.Popen] = []


@contextmanager
def deployed(folder: Path, processes: int = 1, address: str = "127.0.0.1", **settings: str) -> Iterator[Deployed]:
    """A public site with a little content in this folder, on SQLite."""
    data = folder / "data"
    data.mkdir()
    env = stage.environment(data, SECRET_KEY=SECRET, ALLOWED_HOSTS=HOST, TRUST_PROXY_HEADERS="1", WORKERS="1")
    env |= settings
    stage.manage(env, "migrate")
    stage.manage(env, "collectstatic", "--no-input")
    subprocess.run([sys.executable, "-c", STOCK], cwd=stage.ROOT, check=True,
                   env=env | {"DJANGO_SETTINGS_MODULE": "config.settings"})  # fmt: skip
    site = Deployed(folder)
    in_brackets = f"[{address}]" if ":" in address else address
    with ExitStack() as stack:
        for _ in range(processes):
            port = stage.free_port()
            command = [sys.executable, "-m", "config.server"]
            server_env = env | {"HOST": address, "PORT": str(port)}
            site.running.append(
                stack.enter_context(stage.running(*command, env=server_env, port=port, address=address, cores=set()))
            )
            site.web.append(port)
        site.https = stage.free_port()
        more = {
            "HTTPS_LISTEN": f"[::]:{site.https} ipv6only=off",
            "WEB_SERVERS": " ".join(f"server {in_brackets}:{p} max_fails=1 fail_timeout=2s;" for p in site.web),
            "URL_PREFIX": settings.get("URL_PREFIX", ""),
        }
        site.http = stack.enter_context(stage.nginx(site.web, folder, cores=set(), **more))
        yield site


def family(process: subprocess.Popen) -> list[int]:
    """The number of a process and of all below it."""
    found = waiting = [process.pid]
    while waiting:
        tasks = [task for pid in waiting for task in Path(f"/proc/{pid}/task").iterdir()]
        waiting = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        found = found + waiting
    return found


def memory(process: subprocess.Popen) -> int:
    """Bytes that a process and all below it hold in memory."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family(process))
    return pages * os.sysconf("SC_PAGE_SIZE")


def kill(process: subprocess.Popen) -> None:
    """As the system does when memory runs out: at once, with all below it."""
    for pid in family(process):
        os.kill(pid, signal.SIGKILL)
    process.wait()
