"""The steps of a connection check as a person sees them."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.enums import Phase
from senders.enums import Encryption


class StepKey(models.TextChoices):
    """The steps on screen: the phases of the session, with the acceptance told apart from the content."""

    RESOLVE = "resolve", _("Resolve host name")
    """Phase RESOLVE."""
    CONNECT = "connect", _("Connect to port")
    """Phase CONNECT."""
    TLS = "tls", _("Secure connection")
    """Phase TLS."""
    GREETING = "greeting", _("Server greeting")
    """Phase GREETING."""
    AUTH = "auth", _("Sign in")
    """Phase AUTH."""
    MAIL = "mail", _("Sender")
    """Phase MAIL."""
    RCPT = "rcpt", _("Receiver")
    """Phase RCPT."""
    DATA = "data", _("Content")
    """Phase DATA up to the final dot."""
    ACCEPTED = "accepted", _("Accepted")
    """The reply to the final dot: the server takes responsibility (RFC 5321 §6.1)."""


class StepState(StrEnum):
    """How a step stands on screen."""

    WAITING = "waiting"
    """Not begun."""
    RUNNING = "running"
    """Under way."""
    DONE = "done"
    """Ended well."""
    FAILED = "failed"
    """Stopped the check."""
    SKIPPED = "skipped"
    """Not part of this check, or never reached."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step with all that its line on screen shows."""

    key: StepKey
    state: StepState = StepState.WAITING
    elapsed: timedelta | None = None
    details: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    reply: str = ""
    """The server's raw reply to a failed step, scrubbed."""

    @property
    def is_done(self) -> bool:
        """Tell whether the step ended well."""
        return self.state is StepState.DONE

    @property
    def is_running(self) -> bool:
        """Tell whether the step is under way."""
        return self.state is StepState.RUNNING

    @property
    def is_failed(self) -> bool:
        """Tell whether the step stopped the check."""
        return self.state is StepState.FAILED

    @property
    def is_skipped(self) -> bool:
        """Tell whether the step was left out."""
        return self.state is StepState.SKIPPED


def key_of(phase: Phase) -> StepKey:
    """Name the step that shows a phase; DATA is the content until the final dot went out."""
    return StepKey(phase.value)


def idle_steps(encryption: str = Encryption.SSL) -> tuple[Step, ...]:
    """List the steps, none begun, in the order in which they come: with STARTTLS the server greets first."""
    keys = list(StepKey)
    if encryption == Encryption.TLS:
        keys.remove(StepKey.TLS)
        keys.insert(keys.index(StepKey.GREETING) + 1, StepKey.TLS)
    return tuple(Step(key) for key in keys)
