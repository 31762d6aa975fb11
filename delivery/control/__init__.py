"""What people do to mail that was accepted: pause and resume, cancel, send now, try again, decide. And the queue."""
