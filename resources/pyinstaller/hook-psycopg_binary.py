"""psycopg's compiled half, with the pure Python modules that it imports by itself."""

hiddenimports = ["psycopg_binary._psycopg", "psycopg_binary.pq", "uuid"]
