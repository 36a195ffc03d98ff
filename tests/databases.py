"""Real databases for the tests: a PostgreSQL cluster of their own, and Spark in this process, both on
loopback only.

Without them the tests are skipped, or fail where DAGREG_REQUIRE_DATABASES=1.
"""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

USER, PASSWORD = "dagreg", "op&n:sesame/ä@7 x"
SPARK_SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.memory": "1g",
}


def lacking(reason: str) -> None:
    """Skips the test, or fails it where the databases are required."""
    if os.environ.get("DAGREG_REQUIRE_DATABASES") == "1":
        pytest.fail(f"DAGREG_REQUIRE_DATABASES=1, but {reason}")
    pytest.skip(reason)


def need(*modules: str) -> None:
    missing = [m for m in modules if find_spec(m) is None]
    if missing:
        lacking(f"there is no Python package {', '.join(missing)}")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running cluster with one database; `url` holds the password."""

    port: int

    @property
    def url(self) -> str:
        return self.address(PASSWORD)

    def address(self, password: str, *, port: int | None = None) -> str:
        return f"postgres://{USER}:{quote(password, safe='')}@127.0.0.1:{port or self.port}/postgres"

    def connect(self) -> Any:
        import psycopg

        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname="postgres", autocommit=True
        )

    def run(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def load(self, table: str, types: str, rows: Sequence[Sequence[Any]]) -> None:
        """A new table with these rows."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {table} CASCADE")
            cursor.execute(f"CREATE TABLE {table} ({types})")
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A cluster in a folder of its own, on a free port, as a user that may not be root."""
    need("ibis", "psycopg")
    programs = _programs("initdb", "pg_ctl")
    if programs is None:
        lacking("there is no PostgreSQL server")
        raise AssertionError
    other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="dagreg-postgres-"))
    try:
        (folder / "password").write_text(PASSWORD)
        if other:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        data, port = folder / "data", _free_port()
        settings = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c "
            "max_connections=20"
        )
        made = [
            "-D",
            str(data),
            "-U",
            USER,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
        _run([*other, programs["initdb"], *made, f"--pwfile={folder / 'password'}"], folder)
        server = [*other, programs["pg_ctl"], "-D", str(data), "-w"]
        _run([*server, "-l", str(folder / "log"), "-o", settings, "start"], folder)
        try:
            yield Postgres(port)
        finally:
            _run([*server, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(*names: str) -> Mapping[str, str] | None:
    places = [*os.environ.get("PATH", "").split(os.pathsep), *sorted(glob.glob("/usr/lib/postgresql/*/bin"))]
    found = {name: shutil.which(name, path=os.pathsep.join(places)) for name in names}
    return {name: path for name, path in found.items() if path} if all(found.values()) else None


def _run(command: Sequence[str], folder: Path) -> None:
    """A command whose server outlives it: its output goes to a file, for a pipe would stay open."""
    with open(folder / "said", "w+") as said:
        done = subprocess.run(
            command, cwd=folder, stdout=said, stderr=said, stdin=subprocess.DEVNULL, timeout=60
        )
        said.seek(0)
        assert done.returncode == 0, said.read()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spark_url(**settings: str) -> str:
    return "pyspark://?" + "&".join(f"{k}={v}" for k, v in (SPARK_SETTINGS | settings).items())


@contextmanager
def spark() -> Iterator[Any]:
    """A session that the sources of this process share."""
    need("ibis", "pyspark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        lacking("there is no Java")
    from pyspark.sql import SparkSession

    folder = tempfile.mkdtemp(prefix="dagreg-spark-")
    builder = SparkSession.builder
    settings = SPARK_SETTINGS | {"spark.sql.warehouse.dir": folder, "spark.log.level": "ERROR"}
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()
        shutil.rmtree(folder, ignore_errors=True)
