"""Contents by the month in which their mail was accepted: on PostgreSQL each month has tables of its own."""
