"""Plain Python: money, intervals, statuses, permissions, identifiers, layout, errors."""
