"""The SMTP dialogue: resolve, connect, TLS, sign in, deliver. Knows no database."""
