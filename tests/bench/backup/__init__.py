"""``make bench-backup``: what is promised of backups."""
