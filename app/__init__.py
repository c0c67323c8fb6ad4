"""SERVE and WIRE: settings, the only commit, jobs, pages, API and commands."""
