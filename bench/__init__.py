"""Measurements, each run by hand; see README.md."""
