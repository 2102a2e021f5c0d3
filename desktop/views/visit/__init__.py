"""The page of one visit: what it costs, what is paid, and the receipt."""
