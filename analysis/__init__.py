"""UNDERSTAND: text in, meaning out; pure."""
