"""One file per family of tables: SQL constants on top, functions below, records out."""
