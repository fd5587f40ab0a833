"""What the benchmarks stand on: servers started for the occasion, and wrk, which asks them for pages.

Nothing here reads `.data/`: each run has a folder of its own with the shipped content, gone afterwards.
"""

import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parents[2]
WRK = shutil.which("wrk")
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
CONF = ROOT / "config/deploy/nginx.conf"
# One core for what is measured, another for what measures; on a machine with one core they share it.
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SERVED_BY = {CORES[0]} if CORES else set()
ASKED_BY = {CORES[-1]} if CORES else set()


def on(cores: set[int]):
    """For `preexec_fn`: the process keeps to these cores."""
    return (lambda: os.sched_setaffinity(0, cores)) if cores else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def machine() -> str:
    """In a few words, what the figures were measured on."""
    import django

    model = "processor unknown"
    with suppress(OSError):
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        model = found[1] if found else model
    return f"{len(CORES) or os.cpu_count()} × {model}, Python {sys.version.split()[0]}, Django {django.__version__}"


# --- Servers


@contextmanager
def running(
    *command: str | Path, env: dict[str, str], port: int, address: str = "127.0.0.1", cores: set[int] = SERVED_BY
) -> Iterator[subprocess.Popen]:
    """A server, until the end of the block; RuntimeError with its own words when it does not come up in 30 seconds."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, env=env, stdout=log, stderr=log, preexec_fn=on(cores)
        )
        try:
            for _ in range(300):
                with suppress(OSError), socket.create_connection((address, port), timeout=1):
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                process.kill()
            if process.poll() is not None:
                log.seek(0)
                raise RuntimeError(f"{command} did not start:\n{log.read().decode(errors='replace')}")
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def family(pid: int) -> list[int]:
    """The process and those that it has started."""
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, started)]


def environment(data: Path, **more: str) -> dict[str, str]:
    """Of this place's environment only what programs need to run, so that no setting leaks into a measurement."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"DATA_DIR": str(data), "DEBUG": "0", "PYTHONUNBUFFERED": "1"} | more


def manage(env: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments, "--verbosity", "0"], cwd=ROOT, env=env, check=True)


def told(env: dict[str, str], *arguments: str) -> str:
    """What a command of manage.py says."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def guide(**more: str) -> Iterator[tuple[dict[str, str], Path]]:
    """A folder with the shipped content, ready to be served: the environment for it, and the folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        env = environment(Path(folder), **more)
        manage(env, "migrate")
        manage(env, "load_content")
        manage(env, "collectstatic", "--no-input")
        yield env, Path(folder)


@contextmanager
def production_server(
    env: dict[str, str], cores: set[int] = SERVED_BY, **more: str
) -> Iterator[tuple[int, subprocess.Popen]]:
    """What `make serve` starts: its port, and the process."""
    port = free_port()
    command = [sys.executable, "-m", "config.server"]
    with running(*command, env=env | {"PORT": str(port)} | more, port=port, cores=cores) as process:
        yield port, process


@contextmanager
def limit_server() -> Iterator[int]:
    """The Django limit (`limit.py`) under gunicorn's threads."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "tests.bench.limit", "--worker-class", "gthread", "--threads", "4"]
    command += ["--workers", "1", "--no-control-socket", "--log-level", "warning", "--bind", f"127.0.0.1:{port}"]
    with running(*command, env=environment(Path(tempfile.gettempdir())), port=port):
        yield port


# --- Asking


@dataclass(frozen=True)
class Asked:
    """One run of wrk: requests a second, latencies in milliseconds, and how many answers were no success."""

    rate: float
    p50: float
    p99: float
    bad: int


MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


def wrk(port: int, *paths: str, seconds: float, connections: int = 32, headers: dict[str, str] | None = None) -> Asked:
    """Ask for these paths in turn, as fast as the answers come."""
    assert WRK, "wrk is not installed: apt-get install wrk"
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        quoted = ",".join(f'"{path}"' for path in paths)
        script.write(f"local paths = {{{quoted}}}\nlocal n = 0\n")
        script.write("request = function() n = n + 1; return wrk.format('GET', paths[(n - 1) % #paths + 1]) end\n")
        script.flush()
        command = [WRK, "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "--timeout", "20s"]
        for name, value in ({"Accept-Encoding": "br"} | (headers or {})).items():
            command += ["-H", f"{name}: {value}"]
        if len(paths) > 1:
            command += ["-s", script.name]
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{port}{paths[0]}"],
            capture_output=True, text=True, check=True, preexec_fn=on(ASKED_BY),
        )  # fmt: skip
    told = done.stdout
    latency = {}
    for share in ("50%", "99%"):
        number, unit = re.search(rf"{share}\s+([\d.]+)(us|ms|s|m)", told).groups()
        latency[share] = float(number) * MILLISECONDS[unit]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
    count = int(bad[1] if bad else 0) + sum(map(int, errors.groups()) if errors else ())
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])
    return Asked(rate, latency["50%"], latency["99%"], count)


class Reader:
    """One reader with one connection, who waits for each answer; times in milliseconds."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self.used = time.monotonic()

    def ask(self, path: str, body: str | None = None, **headers: str) -> tuple[float, int, bytes]:
        """(milliseconds, status, body)."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if time.monotonic() - self.used > 5:  # the server closes what is idle for long
            self.connection.close()
        started = time.perf_counter()
        self.connection.request("POST" if body is not None else "GET", path, body, given)
        answer = self.connection.getresponse()
        content = answer.read()
        spent = (time.perf_counter() - started) * 1000
        self.headers, self.used = dict(answer.getheaders()), time.monotonic()
        return spent, answer.status, content


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


# --- nginx in front


def certificate(folder: Path) -> tuple[Path, Path]:
    """One that nobody vouches for, for localhost: (certificate, key)."""
    files = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


@contextmanager
def nginx(ports: list[int], folder: Path, cores: set[int] = SERVED_BY, **more: str) -> Iterator[int]:
    """nginx before web processes on these ports, as in the reference deployment; gives its port for http, and answers
    https on HTTPS_LISTEN. `more` fills in what the file names, otherwise than here."""
    port = free_port()
    home = folder / "nginx"
    home.mkdir()
    cert, key = certificate(home)
    filled = {
        "NGINX_USER": pwd.getpwuid(os.geteuid()).pw_name,  # the folder is ours alone
        "NGINX_FOLDER": str(home),
        "HTTP_LISTEN": f"127.0.0.1:{port}",
        "HTTPS_LISTEN": f"127.0.0.1:{free_port()}",
        "CERTIFICATE": str(cert),
        "CERTIFICATE_KEY": str(key),
        "WEB_SERVERS": " ".join(f"server 127.0.0.1:{each} max_fails=1 fail_timeout=2s;" for each in ports),
        "URL_PREFIX": "",
    } | more
    conf = home / "nginx.conf"
    conf.write_text(Template(CONF.read_text()).safe_substitute(filled))
    with running(NGINX, "-p", home, "-c", conf, "-g", "daemon off;", env=environment(folder), port=port, cores=cores):
        yield port
