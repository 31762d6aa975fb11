"""Sender accounts, the one system default, whether an account's mail flows, and how much of it may."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from senders.enums import CircuitState, Encryption, LoginMethod, UnknownPolicy


class SenderQuerySet(models.QuerySet["Sender"]):
    """The named filters of sender accounts."""

    def enabled(self) -> "SenderQuerySet":
        """Keep the accounts that may send."""
        return self.filter(is_enabled=True)


class Sender(models.Model):
    """A sender account: where to connect, how to sign in, and as whom mail is sent.

    Not RFC 5322's `Sender:` field. The secret is ciphertext bound to this row (see `senders.secrets`).
    """

    address = models.CharField(_("sender address"), max_length=320)
    display_name = models.CharField(_("displayed name"), max_length=100)
    host = models.CharField(_("mail server (SMTP)"), max_length=253)
    port = models.PositiveIntegerField(
        _("port"), default=25, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    encryption = models.CharField(
        _("encryption method"), max_length=8, choices=Encryption.choices, default=Encryption.TLS
    )
    login_method = models.CharField(
        _("sign in with"), max_length=16, choices=LoginMethod.choices, default=LoginMethod.ADDRESS
    )
    login_name = models.CharField(_("login name"), max_length=320, blank=True)
    secret = models.TextField(blank=True, editable=False)
    trusted_certificates = models.TextField(_("trusted certificate"), blank=True)
    ehlo_name = models.CharField(_("EHLO name"), max_length=253, blank=True)
    reply_to = models.CharField(_("reply-to address"), max_length=320, blank=True)
    timeout = models.PositiveSmallIntegerField(
        _("timeout"), default=30, validators=[MinValueValidator(1), MaxValueValidator(300)], help_text=_("Seconds")
    )
    max_connections = models.PositiveSmallIntegerField(
        _("connections at once"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Over all workers; empty: what the mail server is known to bear"),
    )
    per_minute = models.PositiveIntegerField(
        _("mails per minute"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    per_hour = models.PositiveIntegerField(
        _("mails per hour"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    per_day = models.PositiveIntegerField(_("mails per day"), null=True, blank=True, validators=[MinValueValidator(1)])
    unknown_policy = models.CharField(
        _("mail that may have arrived"),
        max_length=8,
        choices=UnknownPolicy.choices,
        default=UnknownPolicy.SYSTEM,
        blank=True,
    )
    paused_at = models.DateTimeField(null=True, editable=False)
    paused_by = models.CharField(max_length=150, blank=True, editable=False)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    is_default = models.BooleanField(_("system default sender"), default=False, editable=False)
    last_test_at = models.DateTimeField(null=True, editable=False)
    last_test_passed = models.BooleanField(null=True, editable=False)
    last_test_mail_id = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SenderQuerySet.as_manager()

    class Meta:
        verbose_name = _("sender account")
        verbose_name_plural = _("sender accounts")
        ordering = ["display_name", "pk"]
        permissions = [
            ("set_default_sender", _("Can choose the system default sender")),
            ("test_sender", _("Can send test mail and detect settings")),
            ("pause_sender", _("Can pause and resume sending")),
        ]
        constraints = [
            models.UniqueConstraint(Lower("address"), name="sender_address_is_unique"),
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="at_most_one_default_sender"
            ),
            models.CheckConstraint(
                condition=models.Q(is_default=False) | models.Q(is_enabled=True), name="default_sender_is_enabled"
            ),
            models.CheckConstraint(condition=models.Q(port__gte=1, port__lte=65535), name="sender_port_in_range"),
            models.CheckConstraint(
                condition=models.Q(encryption__in=Encryption.values), name="sender_encryption_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(login_method__in=LoginMethod.values), name="sender_login_method_is_known"
            ),
        ]

    def __str__(self) -> str:
        """Name the account as a person would."""
        return f"{self.display_name} <{self.address}>"

    @property
    def login(self) -> str:
        """The name to sign in with; empty where the account does not sign in."""
        return {
            LoginMethod.ADDRESS: self.address,
            LoginMethod.DISPLAY_NAME: self.display_name,
            LoginMethod.LOGIN_NAME: self.login_name,
            LoginMethod.NONE: "",
        }[LoginMethod(self.login_method)]


class Circuit(models.Model):
    """The circuit breaker of one sender account, apart from the account's own row; opened and closed by delivery.

    Editing the account closes it too.
    """

    sender = models.OneToOneField(Sender, on_delete=models.CASCADE, primary_key=True, related_name="circuit")
    state = models.CharField(max_length=8, choices=CircuitState.choices, default=CircuitState.CLOSED)
    failures = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    probe_at = models.DateTimeField(null=True)
    phase = models.CharField(max_length=16, blank=True)
    fault = models.CharField(max_length=32, blank=True)
    cause = models.CharField(max_length=64, blank=True)
    reply = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=CircuitState.values), name="circuit_state_is_known"),
        ]

    def __str__(self) -> str:
        """Tell whose circuit it is and how it stands."""
        return f"{self.sender_id}: {self.state}"


class Allowance(models.Model):
    """What a sender account used of its limits, and what its server taught us about them; written by claiming.

    Apart from the account's own row, so that sending does not compete with editing.
    """

    sender = models.OneToOneField(Sender, on_delete=models.CASCADE, primary_key=True, related_name="allowance")
    minute_began = models.DateTimeField(null=True)
    minute_used = models.PositiveIntegerField(default=0)
    hour_began = models.DateTimeField(null=True)
    hour_used = models.PositiveIntegerField(default=0)
    day_began = models.DateTimeField(null=True)
    day_used = models.PositiveIntegerField(default=0)
    slow_until = models.DateTimeField(null=True, help_text=_("The server asked to wait until then"))
    learned_connections = models.PositiveSmallIntegerField(null=True)
    learned_per_minute = models.PositiveIntegerField(null=True)
    learned_until = models.DateTimeField(null=True, help_text=_("What was learned holds until then"))
    hint = models.CharField(max_length=1000, blank=True, help_text=_("The reply that it was learned from"))

    def __str__(self) -> str:
        """Tell whose allowance it is and what was used today."""
        return f"{self.sender_id}: {self.day_used}"


class ConnectionSlot(models.Model):
    """The right to one of a sender account's connections at once, over all workers, under a lease."""

    sender = models.ForeignKey(Sender, on_delete=models.CASCADE, related_name="connection_slots")
    number = models.PositiveSmallIntegerField()
    holder = models.CharField(max_length=64)
    lease_until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sender", "number"], name="connection_slot_is_unique")]

    def __str__(self) -> str:
        """Name the slot."""
        return f"{self.sender_id}/{self.number}"


class Fallback(models.Model):
    """A stand-in for a sender account whose mail cannot flow; without an owner, one for the system default sender."""

    owner = models.ForeignKey(Sender, null=True, on_delete=models.CASCADE, related_name="fallbacks")
    sender = models.ForeignKey(Sender, on_delete=models.CASCADE, related_name="stands_in")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "sender"], name="fallback_is_named_once"),
            models.UniqueConstraint(
                fields=["sender"], condition=models.Q(owner__isnull=True), name="default_fallback_is_named_once"
            ),
            models.CheckConstraint(condition=~models.Q(owner=models.F("sender")), name="nobody_stands_in_for_itself"),
        ]

    def __str__(self) -> str:
        """Tell who stands in for whom."""
        return f"{self.owner_id} → {self.sender_id}"
