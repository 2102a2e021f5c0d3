"""All mutations."""

from __future__ import annotations

from tests.mutations import client, clinic, recovery, scope, server

MUTATIONS = (
    *server.MUTATIONS,
    *client.MUTATIONS,
    *clinic.MUTATIONS,
    *recovery.MUTATIONS,
    *scope.MUTATIONS,
)
