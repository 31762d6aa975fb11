"""Alarms that were raised and cleared, and the webhook calls that told of them."""
