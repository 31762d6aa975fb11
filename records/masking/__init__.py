"""What is kept of masking: its rules, which mails are masked, and the sealed originals until those mails end."""
