"""The whole system in one process, from one seed: workstations, a web writer, a server, all faults."""
