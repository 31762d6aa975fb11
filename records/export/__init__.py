"""Sending records as files: CSV and XLSX, written while they are sent, in the same memory for any number of them."""
