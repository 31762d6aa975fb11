"""Who looked at the content of mails, and when."""
