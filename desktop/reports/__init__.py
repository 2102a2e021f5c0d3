"""Documents: a table of figures or a record becomes a file."""
