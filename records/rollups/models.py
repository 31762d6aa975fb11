"""The sums, what they are summed by, and what the engine adds to them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.enums import Outcome

ANY = "\x1b"
"""Stands in a margin in the place of those values that it is not of."""


class Figures(models.Model):
    """How many tries there were, and how long those took that a server answered.

    The latter are counted in one column each, by their length: `milliseconds` is the sum of exactly those.
    """

    tries = models.BigIntegerField(default=0)
    milliseconds = models.BigIntegerField(default=0)
    within_100ms = models.IntegerField(default=0, help_text=_("At most 0.1 s"))
    within_300ms = models.IntegerField(default=0, help_text=_("More than 0.1 s, at most 0.3 s"))
    within_1s = models.IntegerField(default=0, help_text=_("More than 0.3 s, at most 1 s"))
    within_3s = models.IntegerField(default=0, help_text=_("More than 1 s, at most 3 s"))
    within_10s = models.IntegerField(default=0, help_text=_("More than 3 s, at most 10 s"))
    slower = models.IntegerField(default=0, help_text=_("More than 10 s"))

    class Meta:
        abstract = True


class RollupKey(models.Model):
    """What the tries of a sum have in common: one row for each combination, and one for each margin of those.

    `records.rollups.keys` makes them, and bounds how many values are told apart; keeping removes those out of use.
    """

    # Its values are too long together for an index of PostgreSQL; this is as good, and small.
    digest = models.CharField(max_length=64, unique=True, help_text=_("SHA-256 of the values"))
    sender_address = models.CharField(max_length=320, blank=True)
    template_name = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    cause = models.CharField(max_length=64, blank=True)
    server = models.CharField(max_length=320, blank=True)
    first_month = models.DateField(help_text=_("First day of the month that its first sum was of, UTC"))

    class Meta:
        default_permissions = ()
        indexes = [
            # For the list's page, which offers the causes there are.
            models.Index(
                fields=["outcome", "cause"],
                condition=models.Q(sender_address=ANY, template_name=ANY, server=ANY),
                name="margin_of_causes",
            ),
        ]

    def __str__(self) -> str:
        """Name the sender address and the outcome."""
        return f"#{self.pk} {self.sender_address} {self.outcome}"


class Rollup(Figures):
    """The tries that began in one hour and have ended, by every combination of values."""

    hour = models.DateTimeField(help_text=_("When the hour began, UTC"))
    key = models.ForeignKey(RollupKey, on_delete=models.CASCADE, related_name="hours")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["hour", "key"], name="one_rollup_per_hour_and_key")]

    def __str__(self) -> str:
        """Tell what was counted."""
        return f"{self.hour:%Y-%m-%d %H:00} key {self.key_id}: {self.tries}"


class DayRollup(Figures):
    """The tries that began on one day of UTC and have ended: the margins of its hours, for long ranges."""

    day = models.DateField(help_text=_("UTC"))
    key = models.ForeignKey(RollupKey, on_delete=models.CASCADE, related_name="days")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["day", "key"], name="one_rollup_per_day_and_key")]

    def __str__(self) -> str:
        """Tell what was counted."""
        return f"{self.day:%Y-%m-%d} key {self.key_id}: {self.tries}"


class MonthRollup(Figures):
    """The tries that began in one month of UTC and have ended: the sums of its days, for ranges of many months."""

    month = models.DateField(help_text=_("Its first day, UTC"))
    key = models.ForeignKey(RollupKey, on_delete=models.CASCADE, related_name="months")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["month", "key"], name="one_rollup_per_month_and_key")]

    def __str__(self) -> str:
        """Tell what was counted."""
        return f"{self.month:%Y-%m} key {self.key_id}: {self.tries}"


class HourTotal(models.Model):
    """How the tries that began in one hour ended, whosever they were: for charts of long ranges."""

    hour = models.DateTimeField(unique=True, help_text=_("When the hour began, UTC"))
    success = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    uncertain = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        """Tell what was counted."""
        return f"{self.hour:%Y-%m-%d %H:00}: {self.success}, {self.failed}, {self.uncertain}"


class RollupDelta(Figures):
    """What a transaction that wrote records adds to the sums; negative where a record was overwritten.

    Rows are only ever inserted, so that nobody waits for anybody, and are folded into the sums in the background.
    Whoever reads sums adds those that are still here: `records.rollups.reading` does.
    """

    hour = models.DateTimeField(help_text=_("When the hour began, UTC"))
    sender_address = models.CharField(max_length=320, blank=True)
    template_name = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    cause = models.CharField(max_length=64, blank=True)
    server = models.CharField(max_length=320, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        """Tell what is added."""
        return f"{self.hour:%Y-%m-%d %H:00} {self.sender_address} {self.outcome}: {self.tries:+}"
