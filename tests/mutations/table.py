"""All mutations."""

from __future__ import annotations

from tests.mutations import (
    archive,
    backup_desk,
    backups,
    client,
    clinic,
    exports,
    first_day,
    foreign,
    incremental,
    log,
    office,
    places,
    recovery,
    restores,
    scope,
    server,
)

MUTATIONS = (
    *archive.MUTATIONS,
    *backups.MUTATIONS,
    *backup_desk.MUTATIONS,
    *server.MUTATIONS,
    *client.MUTATIONS,
    *clinic.MUTATIONS,
    *exports.MUTATIONS,
    *first_day.MUTATIONS,
    *foreign.MUTATIONS,
    *incremental.MUTATIONS,
    *log.MUTATIONS,
    *office.MUTATIONS,
    *places.MUTATIONS,
    *recovery.MUTATIONS,
    *restores.MUTATIONS,
    *scope.MUTATIONS,
)
