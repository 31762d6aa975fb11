"""What was said with the mail server in tries that failed."""
