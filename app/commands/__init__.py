"""The commands of the CLI, one module per subject; each lists its own in COMMANDS."""
