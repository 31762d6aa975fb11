"""What was asked to be sent, and every try at sending it."""
