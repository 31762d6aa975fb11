"""The page of one record: one try, and the whole story of its mail."""
