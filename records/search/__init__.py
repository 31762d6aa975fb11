"""Finding the records that filters keep, on any amount of history: `finding.find_page` and `finding.count`."""
