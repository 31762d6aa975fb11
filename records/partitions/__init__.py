"""Sending records by the month in which their mail was accepted: on PostgreSQL, an old month is dropped as a whole."""
