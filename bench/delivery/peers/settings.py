"""One Django project with all the peers, each as its own documentation sets it up; only what a run varies is read."""

import os

import dj_urls

SECRET_KEY = "bench"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "post_office",
    "mailer",
    "djcelery_email",
    "one_task",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": dj_urls.database(os.environ["DATABASE_URL"])}

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = "127.0.0.1"
EMAIL_PORT = int(os.environ["SMTP_PORT"])
EMAIL_TIMEOUT = 30

CELERY_BROKER_URL = os.environ.get("REDIS_URL", "memory://")
CELERY_TASK_IGNORE_RESULT = True

POST_OFFICE = {
    "BACKENDS": {"default": EMAIL_BACKEND},
    "CELERY_ENABLED": os.environ.get("PEER") == "post_office celery",
    "BATCH_SIZE": int(os.environ.get("PEER_BATCH", "100")),
}
MAILER_LOCK_PATH = os.path.join(os.environ["PEER_FOLDER"], "django-mailer")
CELERY_EMAIL_CHUNK_SIZE = 10

# Their own lines would only make them slower.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}
