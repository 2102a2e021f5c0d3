"""``make bench-sync``: what is promised of the sync, measured."""
