"""A clinic in a cluster of its own, which is stopped, dumped, copied and put back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from sync.transport import PostgresServer
from tests.support.cluster import Cluster
from tests.sync_client.world import Station, Tenant

DATABASE = "clinica"


class Site:
    """A cluster, a tenant in it, and its workstations."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self._folder = folder
        self._create_database()
        self.tenant = Tenant(self._dsn)
        self.stations: list[Station] = []

    @property
    def _dsn(self) -> str:
        return f"host={self.cluster.folder} user=postgres dbname={DATABASE}"

    def _create_database(self) -> None:
        with psycopg.connect(self.cluster.dsn, autocommit=True) as admin:
            name = sql.Identifier(DATABASE)
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            admin.execute(sql.SQL("CREATE DATABASE {}").format(name))

    def station(self, **options: Any) -> Station:
        """A workstation that joined."""
        path = self._folder / f"cache{len(self.stations)}.db"
        self.stations.append(Station(self.tenant, path, **options))
        return self.stations[-1]

    def sync(self, *stations: Station) -> None:
        """Everyone exchanges until nobody has anything new."""
        for _round in range(2):
            for one in stations or self.stations:
                one.engine.sync_once()

    # A dump -------------------------------------------------------------------------------------

    def dump(self) -> Path:
        """What an administrator keeps over night."""
        path = self.cluster.folder / "yesterday.dump"
        path.write_bytes(self.cluster.run("pg_dump", "-Fc", database=DATABASE))
        return path

    def restore(self, dump: Path) -> None:
        """``pg_restore`` into a new database of the same name, and no word to anybody."""
        self.tenant.admin.close()
        self._create_database()
        self.cluster.run("pg_restore", dump, database=DATABASE)
        self._administer()

    def move(self, to: Cluster) -> None:
        """From now on the clinic's address leads to another cluster, with the same logins."""
        logins = self.cluster.run("pg_dumpall", "--globals-only").decode()
        wanted = [
            line for line in logins.splitlines() if line.startswith(("CREATE", "ALTER", "GRANT"))
        ]
        wanted = [line for line in wanted if "ROLE postgres" not in line]
        with psycopg.connect(to.dsn, autocommit=True) as admin:
            admin.execute("\n".join(wanted).encode())
        self.cluster = to
        for one in self.stations:
            one.engine.close()
            one.params["host"] = str(to.folder)
            one.server = PostgresServer(one.params, self.tenant.name)
            one.engine = one.make_engine()

    # A copy of the files --------------------------------------------------------------------------

    def cold_copy(self) -> Path:
        """A copy of the cluster's files as they are now; the server goes on."""
        self.stop()
        kept = self.cluster.keep("behind")
        self.start()
        return kept

    def fail_over(self, to: Path) -> None:
        """The server dies, and the copy that was behind takes its place."""
        self.stop(crash=True)
        self.cluster.take(to)
        self.start()

    def stop(self, *, crash: bool = False) -> None:
        """End the server; ``crash``: as it stands."""
        self.tenant.admin.close()
        self.cluster.stop(crash=crash)

    def start(self) -> None:
        """Start it again."""
        self.cluster.start()
        self._administer()

    def _administer(self) -> None:
        self.tenant.admin = psycopg.connect(self._dsn, autocommit=True)
        self.tenant.admin.execute(
            sql.SQL("SET search_path = {}").format(sql.Identifier(self.tenant.name))
        )

    def close(self) -> None:
        """End the workstations; the cluster goes with its roles and files."""
        for one in self.stations:
            one.close()
        self.tenant.admin.close()
