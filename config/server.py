"""The production server: `python -m config.server`, which `make serve`, the container and the systemd unit all start.

Its settings (HOST, PORT, WORKERS, THREADS) stand in the table of `config/settings.py`. SIGTERM lets requests finish and stops;
SIGHUP starts new workers before it stops the old ones, so that a new release loses no request.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from config import settings

# Of those that this process may use, where the system tells.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

# What the server itself has to say, in the lines of `config/logs.py`.
LOGS = {
    "formatters": {"lines": settings.LOGGING["formatters"]["lines"]},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "loggers": {"_granian": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}


@contextmanager
def numbers() -> Iterator[None]:
    """A folder in which the workers keep what they count (see `config/metrics.py`), as long as the server runs.

    In memory: the files are mapped, and a worker that writes to one on a full disk would be killed for it.
    """
    memory = "/dev/shm"  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(prefix="guide-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


def main() -> None:
    with numbers() if settings.METRICS_TOKEN else nullcontext():
        serve()


def serve() -> None:
    Granian(
        "config.wsgi:application",
        interface=Interfaces.WSGI,
        address=os.environ.get("HOST") or "127.0.0.1",
        port=int(os.environ.get("PORT") or 8000),
        workers=int(os.environ.get("WORKERS") or CORES),
        blocking_threads=settings.THREADS,
        backlog=2048,
        backpressure=2048,  # connections, of which browsers keep some open that ask nothing
        http=HTTPModes.http1,
        websockets=False,
        url_path_prefix=settings.URL_PREFIX or None,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        respawn_failed_workers=True,
        workers_kill_timeout=30,
        log_dictconfig=LOGS,
    ).serve()


if __name__ == "__main__":
    main()
