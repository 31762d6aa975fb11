"""`manage.py prepare` and its like."""
