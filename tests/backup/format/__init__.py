"""The archive's container, its keys and its standalone reader."""
