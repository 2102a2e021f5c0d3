"""Two-way sync between a PostgreSQL schema and encrypted SQLite caches.

Knows tables and rows, and nothing of what they mean: it works with any SQLAlchemy metadata whose
tables have one integer primary key called ``id``. The protocol is described in
``docs/sync-protocol.md``.

=============================  ===================================================================
:mod:`sync.schema`             what is synced: :class:`~sync.schema.SyncSchema`
:mod:`sync.server`             puts the server's half into a schema
:mod:`sync.store`              in the cache: local transactions, the outbox, rejections, ids
:class:`sync.engine.SyncEngine`  keeps a cache in step: ``sync_once()``, or ``start()``, ``poke()``,
                               ``set_offline()``, ``stop()`` with a thread of its own
:func:`sync.bootstrap.bootstrap`  the first sync
:class:`sync.transport.PostgresServer`  where the server is
:mod:`sync.errors`             everything that can stand in the way, each with a code
=============================  ===================================================================

Inside, :mod:`sync.core` decides what to do next, :mod:`sync.exchange` does one exchange,
:mod:`sync.apply` lays an answer over the cache, :mod:`sync.rekey` gives a copied cache its own ids,
:mod:`sync.capture` makes the triggers and :mod:`sync.wire` knows the JSON.
"""
