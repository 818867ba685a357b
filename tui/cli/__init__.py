"""The command line: a lazy click group, one file a command, one writer for stdout and one for stderr."""
