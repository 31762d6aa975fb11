"""The record list as a page: what can be chosen, what is shown of it and how, and what each person keeps of that."""
