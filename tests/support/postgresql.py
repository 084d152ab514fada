"""A PostgreSQL server of our own, with a fresh database for each test that asks for one."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from tests.support.events import IDLE_TIMEOUT
from tests.support.waiting import PATIENCE

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.store.postgresql import PostgresqlStore

__all__ = ["PASSWORD", "Server", "running_server"]

PASSWORD = "a-password-to-look-for"
_USER = "journeytrace"
_TEMPLATE = "journeytrace_template"
# Nothing here has to survive a power cut.
_QUICK = "-c fsync=off -c full_page_writes=off -c autovacuum=off"


class Server:
    """A server on a unix socket in a folder of its own, with one user, a superuser."""

    def __init__(self, folder: Path, options: str = _QUICK, user: str = _USER) -> None:
        self.folder = folder
        self._user = user
        self._programs = _programs()
        self._options = f"-c listen_addresses='' -c unix_socket_directories={folder} {options}"
        self._numbers = itertools.count(1)
        self._as_user = _unprivileged(folder)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run("initdb", "-U", user, "-A", "scram-sha-256", "--pwfile", str(password), "-N")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._programs / program), "-D", f"{self.folder}/data"]
        if program == "initdb":
            command += ["-E", "UTF8", "--locale=C"]
        command += arguments
        done = subprocess.run(
            command, check=False, cwd="/", capture_output=True, text=True, timeout=2 * PATIENCE
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        log = f"{self.folder}/log"
        self._run("pg_ctl", "start", "-w", "-s", "-l", log, "-o", self._options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it; ``immediate``: as a crash would."""
        self._run("pg_ctl", "stop", "-w", "-s", "-m", mode)

    def url(
        self, database: str = "postgres", user: str | None = None, password: str = PASSWORD
    ) -> str:
        """Give the address of a database; `user` None: the superuser's."""
        return f"postgresql://{user or self._user}:{password}@/{database}?host={self.folder}"

    def make_template(self) -> None:
        """Make the database that `fresh` copies: a store's tables, empty."""
        url = self._create(_TEMPLATE)
        PostgresqlStore(url, builtin_catalogue(), IDLE_TIMEOUT, collector_id="template").close()

    def fresh(self) -> str:
        """Make a database with the tables of a store and give its address."""
        return self._create(f"test_{next(self._numbers)}", f"TEMPLATE {_TEMPLATE}")

    def empty(self) -> str:
        """Make a database with nothing in it and give its address."""
        return self._create(f"test_{next(self._numbers)}")

    def _create(self, name: str, rest: str = "") -> str:
        self.execute(f"CREATE DATABASE {name} {rest}")
        return self.url(name)

    def execute(self, sql: str, url: str | None = None) -> list[tuple[object, ...]]:
        """Run one statement and give its rows."""
        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running_server(options: str = _QUICK, user: str = _USER) -> Iterator[Server]:
    """Run a server inside the block; `user` is its superuser."""
    # Not below pytest's own folder: that of a root is closed to others, and long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="jt-pg-"))
    try:
        server = Server(folder, options, user)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else []
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists():
            return folder
    pytest.fail("PostgreSQL is missing: apt-get install postgresql", pytrace=False)


def _unprivileged(folder: Path) -> list[str]:
    """Give the folder to a user that may run a server, and the command to become that user."""
    if os.getuid() != 0:
        return []
    # Debian's package makes this user.
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
