"""COLLECT: sources of customers' words, of store counters and of releases, read over HTTP or from files."""
