"""``make demo``: a clinic with two workstations side by side, on a PostgreSQL of its own."""
