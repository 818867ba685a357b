"""The ground floor: everything outside the process (disk, SQLite, network, other programs, the clock)."""
