"""The connection check: Send Test Mail step by step, what to do about each failure, and Detect settings."""
