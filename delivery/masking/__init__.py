"""Masking secrets in what is stored of a mail: finding them, hiding them, sealing the original until it was sent."""
