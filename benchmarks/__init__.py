"""Commands that print figures beside a peer or a physical limit in the same run."""
