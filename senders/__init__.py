"""Sender accounts, the one system default, secrets, presets and provider guides."""
