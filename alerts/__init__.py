"""DETECT and TELL: from counts to incidents, and from incidents to messages that cannot be lost."""
