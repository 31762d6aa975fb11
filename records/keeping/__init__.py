"""Keeping: how long records, contents and attachments stay, and removing what stayed long enough."""
