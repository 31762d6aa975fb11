"""The pages and actions of the delivery room."""
