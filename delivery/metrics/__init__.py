"""The figures at /metrics, in the text format of Prometheus; read from the database when they are asked for."""
