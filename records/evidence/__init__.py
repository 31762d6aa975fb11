"""Evidence: records as a file that proves by itself that nothing in it was changed, and who says so.

A file is lines of JSON. Each holds its own hash and that of the line before, so that a changed, removed, added or moved
line is found where it is. Every thousand lines, and at the end, a line is signed: whoever reckons all hashes anew can't
make that signature.
"""
