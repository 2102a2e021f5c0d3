"""Consultorio's desktop program: what a clinic's workstation runs."""
