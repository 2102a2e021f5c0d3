"""A Django project that knows the shared tables by the contract, and nothing of this program."""
