"""The embedded Postgres, in real processes that really die."""
