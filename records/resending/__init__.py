"""What is kept of sending many mails again: one row per order of a person, and its list of what is left to do."""
