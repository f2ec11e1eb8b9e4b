"""A PostgreSQL server of its own in a temporary folder, for the tests and benchmarks of the service."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serve_process import find_free_port


class NoPostgresError(Exception):
    """There is no PostgreSQL here and none can be installed."""


@dataclass
class PostgresServer:
    """A server that runs."""

    port: int
    binaries: Path
    process: subprocess.Popen[bytes]
    folder: Path
    options: dict[str, Any]

    @property
    def url(self) -> str:
        """Its database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def create_database(self, name: str) -> str:
        """The URL of a new database."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        """End it, connections first."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def start(self) -> None:
        """Start it on its folder, and wait until it answers."""
        command = [self.binaries / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-k", self.folder]
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [*command, "-c", "listen_addresses=127.0.0.1"], stdout=log, stderr=log, cwd=self.folder, **self.options
            )
        self.wait_until_ready()

    def wait_until_ready(self, seconds: float = 60.0) -> None:
        """Raises NoPostgresError where it does not answer."""
        import psycopg

        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.1)
        raise NoPostgresError(f"PostgreSQL did not start: {(self.folder / 'log').read_text('utf-8', 'replace')[-500:]}")


def find_binaries() -> Path | None:
    """The folder with initdb and postgres; Debian keeps them out of the path."""
    folders = [Path(found).parent for name in ("initdb",) if (found := shutil.which(name))]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def install_postgres() -> None:
    """By apt-get, as root on Debian and Ubuntu; quietly nothing elsewhere."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "install", "-y", "-q", "postgresql"], env=environment, check=False, timeout=300)


@contextmanager
def serve_postgres(install: bool = False) -> Iterator[PostgresServer]:
    """A server until the block ends; raises NoPostgresError where there is none. `install`: try to get it first."""
    binaries = find_binaries()
    if binaries is None and install:
        install_postgres()
        binaries = find_binaries()
    if binaries is None:
        raise NoPostgresError("PostgreSQL is not installed here (apt-get install postgresql)")
    with tempfile.TemporaryDirectory(prefix="thinkrec-postgres-", ignore_cleanup_errors=True) as name:
        folder, options = Path(name), find_user_options()
        if options:
            owner = pwd.getpwnam(str(options["user"]))
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        subprocess.run(
            [binaries / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--encoding=UTF8"],
            check=True,
            capture_output=True,
            cwd=folder,
            **options,
        )
        server = PostgresServer(find_free_port(), binaries, None, folder, options)  # type: ignore[arg-type]
        try:
            server.start()
            yield server
        finally:
            if server.process is not None and server.process.poll() is None:
                server.stop()


def find_user_options() -> dict[str, Any]:
    """Options of a process for the user `postgres` where we are root, as whom PostgreSQL does not run."""
    if os.geteuid() != 0:
        return {}
    try:
        owner = pwd.getpwnam("postgres")
    except KeyError as error:
        raise NoPostgresError("PostgreSQL does not run as root, and there is no user postgres") from error
    return {"user": owner.pw_name, "group": owner.pw_gid, "extra_groups": []}
