"""Commands of the senders room."""
