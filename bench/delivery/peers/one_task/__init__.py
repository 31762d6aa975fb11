"""What many projects do without any package: one Celery task per mail, with Django's own backend."""
