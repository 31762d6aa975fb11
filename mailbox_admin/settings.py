"""Django settings, read from the environment; see docs/operations.md for every variable."""

from datetime import timedelta

from csp.constants import NONE, SELF

from mailbox_admin import data_dir
from mailbox_admin.environment import Environment
from mailbox_admin.logs import LEVELS, STYLES, logging_config

ROOT = data_dir.ROOT
DATA_DIR = data_dir.find_data_dir()
env = Environment()

DEBUG = False
SECRET_KEY = env("SECRET_KEY")
MAILBOX_KEYS = env.list("MAILBOX_KEYS")  # instead of DATA_DIR/keys, the same on every machine
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS")
LOGGING = logging_config(
    style=env.one_of("LOG_FORMAT", STYLES, default="auto"), level=env.one_of("LOG_LEVEL", LEVELS, default="INFO")
)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "csp",
    "axes",
    "mailbox_admin",
    "delivery",
    "records",
    "senders",
]
MIDDLEWARE = [
    # First: answered before the host is checked, a session is opened or HTTPS is demanded.
    "mailbox_admin.health.HealthMiddleware",
    "mailbox_admin.client_address.TrustedProxyMiddleware",
    "mailbox_admin.upload_limit.UploadLimitMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mailbox_admin.signed_out.SignInMiddleware",
    "mailbox_admin.time_zones.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "mailbox_admin.urls"
WSGI_APPLICATION = "mailbox_admin.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "mailbox_admin.widgets.Renderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["mailbox_admin.addresses", "mailbox_admin.translations"],
            # Instead of the tags of the package, which therefore is no app here.
            "libraries": {"fields": "mailbox_admin.widgets", "lucide": "mailbox_admin.icons"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mailbox_admin.context.shell",
                "mailbox_admin.banners.banners",
            ],
        },
    }
]

DATABASES = {"default": env.database("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'mailbox.sqlite3'}")}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60, least=0)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA temp_store=MEMORY;",
    }
    # A file: threads of a shared in-memory database see "table is locked".
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Short questions only: compiling one, for which PostgreSQL may take seconds, never pays, nor do helpers, which it
    # takes longer to start than a page may take.
    options = DATABASES["default"].setdefault("OPTIONS", {})
    options["options"] = f"-c jit=off -c max_parallel_workers_per_gather=0 {options.get('options', '')}".strip()

LANGUAGE_CODE = env.one_of("LANGUAGE_CODE", ("en", "zh-hans"), default="en")
# Each by its own name, whatever language the page is in: that is how its readers find it.
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [ROOT / "locale"]
USE_TZ = True
TIME_ZONE = env.time_zone("TIME_ZONE", default="UTC")

STATIC_URL = "static/"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "mailbox_admin.people.PersonBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "mailbox_admin.password_validators.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AXES_FAILURE_LIMIT = env.int("SIGN_IN_TRIES", default=5)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_LOCK_MINUTES", default=15))
AXES_LOCKOUT_CALLABLE = "mailbox_admin.views.locked_out"
# Both together: nobody can lock another person out from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

SESSION_COOKIE_AGE = env.int("SESSION_HOURS", default=12) * 3600
SESSION_ENGINE = "mailbox_admin.sessions"
SESSION_COOKIE_NAME = "mailbox_session"
CSRF_COOKIE_NAME = "mailbox_csrf"
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES")
BEHIND_HTTPS = env.bool("BEHIND_HTTPS", default=False)
if BEHIND_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=365 * 24 * 3600, least=0)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", default=False)
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# mailbox.W011 says it once; W005 and W021 are BEHIND_HTTPS's own choices (subdomains, preload).
SILENCED_SYSTEM_CHECKS = [f"security.W0{number}" for number in ("04", "05", "08", "12", "16", "21")]

# Attachments are files, which do not count; 5 MiB is room for any body typed by hand.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 50
FILE_UPLOAD_PERMISSIONS = 0o600

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

REDIS_URL = env.redis("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL or "files://localhost"
# One quick second try at connecting, then give up: whoever publishes can't wait, and the sweep makes up for it.
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, float | str] = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
if REDIS_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS |= {"socket_timeout": 2, "socket_connect_timeout": 1, "socket_keepalive": True}
else:
    CELERY_BROKER_TRANSPORT_OPTIONS |= {"folder": str(DATA_DIR / "broker")}
    # Remote control is a broadcast, which files can't do.
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "mail"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
# Orders only: mail is sent by lines (MAILBOX_LINES), each a thread of its own.
CELERY_WORKER_CONCURRENCY = env.int("WORKER_THREADS", default=4)
WORKER_STOP_SECONDS = env.float("WORKER_STOP_SECONDS", default=30.0)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Celery closes the database connection around every task unless told how often to keep it.
CELERY_DB_REUSE_MAX = 1000
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=15.0)
# In memory: nothing that beat remembers is worth a file that can be broken.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "tidy": {"task": "mailbox_admin.tasks.tidy", "schedule": 3600.0, "options": {"expires": 600.0}},
}

# Where mail may be sent to: nothing but these networks ("10.0.0.0/8,::1"; empty: any), or nothing private.
MAILBOX_DIAL_ONLY = env.list("MAILBOX_DIAL_ONLY")
MAILBOX_FORBID_PRIVATE_NETWORKS = env.bool("MAILBOX_FORBID_PRIVATE_NETWORKS", default=False)

# The connection check: seconds in all and per step, how many at once (each holds a thread), and for
# Detect settings the name servers to ask ("address" or "address:port"; empty: the machine's own).
MAILBOX_CHECK_SECONDS = env.float("MAILBOX_CHECK_SECONDS", default=30.0)
MAILBOX_CHECK_STEP_SECONDS = env.float("MAILBOX_CHECK_STEP_SECONDS", default=10.0)
MAILBOX_CHECKS_PER_USER = env.int("MAILBOX_CHECKS_PER_USER", default=2)
MAILBOX_CHECKS_AT_ONCE = env.int("MAILBOX_CHECKS_AT_ONCE", default=6)
MAILBOX_NAMESERVERS = env.list("MAILBOX_NAMESERVERS")

# What is accepted for sending.
MAILBOX_MAX_RECEIVERS = env.int("MAILBOX_MAX_RECEIVERS", default=100)
MAILBOX_MAX_SIZE = env.int("MAILBOX_MAX_SIZE", default=25 * 1024 * 1024)
# No more than a line may have (RFC 5322 §2.1.1), which is what the database has room for.
MAILBOX_MAX_SUBJECT_LENGTH = env.int("MAILBOX_MAX_SUBJECT_LENGTH", default=998, most=998)
MAILBOX_GIVE_UP_HOURS = env.float("MAILBOX_GIVE_UP_HOURS", default=24.0)
# How many mails may be sent again at once, from the record list.
MAILBOX_MAX_RESENDS = env.int("MAILBOX_MAX_RESENDS", default=10_000)
# How mail is delivered; see delivery/engine/limits.py. Seconds where nothing else is said.
MAILBOX_UNKNOWN_POLICY = env("MAILBOX_UNKNOWN_POLICY", default="retry")
MAILBOX_LINES = env.int("MAILBOX_LINES", default=32)
MAILBOX_GROUP_SIZE = env.int("MAILBOX_GROUP_SIZE", default=500)
MAILBOX_CLAIM_LEASE = env.float("MAILBOX_CLAIM_LEASE", default=60.0)
MAILBOX_LEASE_MARGIN = env.float("MAILBOX_LEASE_MARGIN", default=60.0)
MAILBOX_MAIL_DEADLINE = env.float("MAILBOX_MAIL_DEADLINE", default=1200.0)
MAILBOX_DRAIN_SECONDS = env.float("MAILBOX_DRAIN_SECONDS", default=30.0)
MAILBOX_IDLE_SECONDS = env.float("MAILBOX_IDLE_SECONDS", default=10.0)
MAILBOX_RETRY_BASE = env.float("MAILBOX_RETRY_BASE", default=30.0)
MAILBOX_RETRY_CAP = env.float("MAILBOX_RETRY_CAP", default=1800.0)
MAILBOX_PROBE_BASE = env.float("MAILBOX_PROBE_BASE", default=15.0)
MAILBOX_PROBE_CAP = env.float("MAILBOX_PROBE_CAP", default=300.0)

# Alarms: minutes after which a server that can't be reached, and mail that is due, are no accident any more; how full a
# day's quota may be, in percent. See delivery/alarms.
MAILBOX_ALARM_UNREACHABLE_MINUTES = env.float("MAILBOX_ALARM_UNREACHABLE_MINUTES", default=5.0)
MAILBOX_ALARM_QUEUE_MINUTES = env.float("MAILBOX_ALARM_QUEUE_MINUTES", default=10.0)
MAILBOX_ALARM_QUOTA_PERCENT = env.int("MAILBOX_ALARM_QUOTA_PERCENT", default=80, most=100)
# Whom each alarm is told: a URL, the secret that calls are signed with, and whether http:// may leave the own network.
MAILBOX_ALARM_WEBHOOK = env("MAILBOX_ALARM_WEBHOOK", default="")
MAILBOX_ALARM_WEBHOOK_SECRET = env("MAILBOX_ALARM_WEBHOOK_SECRET", default="")
MAILBOX_ALARM_WEBHOOK_ALLOW_HTTP = env.bool("MAILBOX_ALARM_WEBHOOK_ALLOW_HTTP", default=False)
# Where people open Mailbox, for links in what leaves it.
MAILBOX_URL = env("MAILBOX_URL", default="")
# What a scraper of /metrics shows instead of a sign-in; empty: only signed-in persons may see them.
METRICS_TOKEN = env("METRICS_TOKEN", default="")
