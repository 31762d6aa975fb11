"""Telling another system of alarms: rows that are calls, made and signed by workers, tried again for a day."""
