"""Groups of claimed mails on their way over one line: passed, and settled, together."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from delivery.engine.fence import Refusal, pass_fences
from delivery.engine.leases import Hold, lease_keeper
from delivery.engine.values import Claim, TryResult
from delivery.exceptions import SessionError
from delivery.masking.replies import mask_error, mask_result
from delivery.masking.vault import open_originals
from delivery.values import ComposedMail
from records.content import read_many

PATIENCE = 1.0
"""A result waits for the rest of its group no longer, seconds: should one mail of it hang, the others are settled."""


@dataclass(slots=True, eq=False)
class Handed:
    """A mail that was handed to a session, and of which nothing is known yet."""

    claim: Claim
    group: "Group"
    mail: ComposedMail
    began: float
    """When its turn came, on `time.monotonic()`."""
    refusal: Refusal | None = None
    """Why its final dot was withheld, if it was."""
    may_be_sent: bool = False
    """Its final dot was allowed: unless the session says otherwise, nobody knows."""


@dataclass(slots=True, eq=False)
class Group:
    """Mails that were claimed together."""

    claims: tuple[Claim, ...]
    hold: Hold
    waiting: deque[Claim]
    """Not yet handed to a session."""
    results: list[TryResult] = field(default_factory=list)
    """Known, and not settled yet."""
    decided: set[int] = field(default_factory=set)
    """Mails of which it is known what came of them, and those that were given back."""
    known_since: float = 0.0
    """When the oldest of the results came, on `time.monotonic()`."""
    is_handed_in: bool = False
    """Complete, and being settled: or it was, or that failed."""
    passed: frozenset[int] | None = None
    """Which mails passed the point of no return; None: nobody asked yet."""
    began: float = 0.0
    """When its first mail came to its final dot, on `time.monotonic()`; 0: none did."""
    _contents: dict[int, bytes] = field(default_factory=dict)
    _secrets: dict[int, frozenset[str]] = field(default_factory=dict, repr=False)
    """Of mails that have some; what is said of these is masked."""

    @classmethod
    def hold_on_to(cls, claims: Sequence[Claim], taken: float) -> "Group":
        """Make a group of what was just claimed, and keep its leases alive.

        Args:
            claims: At least one.
            taken: `time.monotonic()` before they were claimed.
        """
        return cls(tuple(claims), lease_keeper.hold(claims, taken), deque(claims))

    def let_go(self) -> None:
        """Have its leases no longer renewed."""
        lease_keeper.let_go(self.hold)

    def add(self, result: TryResult) -> None:
        """Take down what came of a mail."""
        if secrets := self._secrets.get(result.claim.mail_id):
            result = mask_result(result, secrets)
        if not self.results:
            self.known_since = time.monotonic()
        self.results.append(result)
        self.decided.add(result.claim.mail_id)
        self.hold.stir()

    def mask_what_was_said_of(self, claim: Claim, error: SessionError) -> None:
        """Mask the mail's secrets in what ended a session: it is noted with the account, and with other mails."""
        if secrets := self._secrets.get(claim.mail_id):
            mask_error(error, secrets)

    def drop(self, claim: Claim) -> None:
        """Have nothing to do with a mail any more: it was given back."""
        self.decided.add(claim.mail_id)

    def forget(self, results: Sequence[TryResult]) -> None:
        """Forget the oldest results, which were settled."""
        del self.results[: len(results)]
        self.known_since = time.monotonic()

    def is_late(self, now: float) -> bool:
        """Tell whether results wait for the rest of the group for long."""
        return bool(self.results) and not self.is_complete and now - self.known_since > PATIENCE

    @property
    def is_complete(self) -> bool:
        """Tell whether it is known of every mail what came of it."""
        return len(self.decided) == len(self.claims)

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.is_complete and not self.results

    @property
    def undecided(self) -> list[Claim]:
        """The claims of which no result is known."""
        return [claim for claim in self.claims if claim.mail_id not in self.decided]

    def load(self) -> None:
        """Read the bytes of its mails.

        Raises:
            DatabaseError: They can't be read; none of its mails is handed over.
        """
        waiting, self.waiting = self.waiting, deque()
        self._contents = read_many([claim.mail_id for claim in self.claims if not claim.has_secrets])
        if masked := [claim.mail_id for claim in self.claims if claim.has_secrets]:
            # Never what is stored as their content: that is the masked copy.
            for mail_id, original in open_originals(masked).items():
                self._contents[mail_id], self._secrets[mail_id] = original.mime, original.secrets
        self.waiting = waiting

    def compose(self, claim: Claim) -> ComposedMail | None:
        """Put a mail together for the session; None where there is nothing to be sent."""
        mime = self._contents.pop(claim.mail_id, None)
        if mime is None or not claim.receivers:
            return None
        return claim.compose_with(mime)

    def is_barred(self, claim: Claim) -> bool:
        """Tell whether the claim is known not to pass any more: the mail was cancelled, or taken back."""
        return self.passed is not None and claim.mail_id not in self.passed

    def may_commit(self, claim: Claim) -> bool:
        """Record that the group's contents go out, once, and tell whether this mail's final dot may be sent.

        Raises:
            DatabaseError: It could not be recorded.
        """
        if not self.began:
            self.began = time.monotonic()
        return claim.mail_id in self.pass_fences() and self.hold.covers(claim.mail_id)

    def pass_fences(self) -> frozenset[int]:
        """Record that the contents go out, unless that was done; returns the mails that passed.

        Raises:
            DatabaseError: It could not be recorded.
        """
        if self.passed is None:
            self.passed = pass_fences(self.undecided)
        return self.passed
