"""Two-way sync between a PostgreSQL schema and encrypted SQLite caches.

Knows tables and rows, and nothing of what they mean: it works with any SQLAlchemy metadata whose
tables have one integer primary key called ``id``. The protocol is described in
``docs/sync-protocol.md``.
"""
