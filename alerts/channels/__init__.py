"""Channels: how a message is written for each kind of destination, and sent."""
