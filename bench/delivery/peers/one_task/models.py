"""The record that a project keeps of what it sent, in the simplest form."""

from django.db import models


class Record(models.Model):
    """One mail: what was asked for, and how it ended."""

    sender = models.CharField(max_length=254)
    receiver = models.CharField(max_length=254)
    subject = models.CharField(max_length=255)
    body = models.TextField()
    state = models.CharField(max_length=10, default="queued", db_index=True)
    error = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
