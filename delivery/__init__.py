"""The engine: compose, speak SMTP, claim, deliver, retry, diagnose. It owns no tables."""
