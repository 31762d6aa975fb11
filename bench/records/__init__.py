"""How fast the record list is on a large history; see bench/README.md."""
