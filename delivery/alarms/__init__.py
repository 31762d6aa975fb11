"""Alarms: what is wrong with accounts and queues, found after each sweep, shown, logged, measured and called out."""
