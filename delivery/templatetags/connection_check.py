"""What the templates of the connection check need that no view gives them: they stand on other rooms' pages."""

from django import template

from delivery.check.steps import Step, idle_steps
from delivery.forms import RecipientForm

register = template.Library()


@register.simple_tag
def steps_to_come() -> tuple[Step, ...]:
    """List the steps of a check that has not begun."""
    return idle_steps()


@register.simple_tag
def empty_recipient_form() -> RecipientForm:
    """Make the form that asks who gets the test mail."""
    return RecipientForm()
