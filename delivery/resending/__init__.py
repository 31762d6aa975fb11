"""Sending many mails again: every mail of the records that filters keep, once, each as a new mail of its own.

First the records are read and the mails noted (`collecting`), then each is asked for again (`sending`). Both go on in
batches of one transaction, so an order can be broken off anywhere, and a worker that dies never sends a copy twice.
"""
