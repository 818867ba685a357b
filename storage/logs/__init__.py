"""Prediction logs through DuckDB: CSV, JSON lines, Parquet, gzip, globs and directories."""
