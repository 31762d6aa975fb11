"""How tries ended, summed by the hour and by the day, so that no page ever counts the records."""
