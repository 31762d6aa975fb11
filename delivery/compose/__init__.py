"""Composing a mail into the bytes that go over the wire. Knows no database."""
