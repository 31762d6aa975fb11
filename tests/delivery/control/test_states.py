"""The model of delivery with people in it: whatever they do, and whenever, the promises are kept."""

import random

import pytest
from pytest_django import Settings

from delivery.control import bulk
from delivery.control.pausing import pause_everything, pause_sender, resume_everything, resume_sender
from delivery.control.selection import GROUPS_OF, MailFilters
from delivery.control.single import do_to_mail
from delivery.engine.pauses import is_paused
from records.interventions import BulkIntervention, Deed
from records.models import DeliveryPause, Mail, Receiver
from senders.models import Sender
from tests.delivery.control.scenes import BY
from tests.delivery.engine.test_states import ACTIONS, FINAL_REPLIES, VERDICTS, DeliveryModel, Snapshot

pytestmark = pytest.mark.django_db(transaction=True)

DEEDS = tuple(GROUPS_OF)
PAUSES = ("pause sender", "pause all", "resume sender", "resume all")


class PeopleModel(DeliveryModel):
    """The same, where people pause, cancel, retry and decide."""

    def __init__(self) -> None:
        super().__init__()
        BulkIntervention.objects.all().delete()
        DeliveryPause.objects.all().delete()
        self.said_arrived: set[int] = set()
        """Receivers that a person says have it."""

    def claim(self, size: int, *, waited: bool) -> None:
        if not is_paused(self.sender):  # which every worker asks
            super().claim(size, waited=waited)

    def a_person_acts(self, deed: Deed, number: int, *, at_many: bool, is_broken_off: bool) -> None:
        uncertain = set(Receiver.objects.filter(state="uncertain").values_list("pk", flat=True))
        served = set(Receiver.objects.filter(state="accepted").values_list("pk", flat=True))
        if at_many:
            groups = GROUPS_OF[deed]
            work = bulk.begin(deed, MailFilters(group=groups[number % len(groups)]), BY)
            bulk.run(work, seconds=0 if is_broken_off else 60)
        else:
            mails = Mail.objects.order_by("pk")
            do_to_mail(deed, mails[number % len(mails)].pk, BY)
        accepted = set(Receiver.objects.filter(state="accepted").values_list("pk", flat=True))
        assert served <= accepted
        if deed == Deed.ARRIVED:
            self.said_arrived |= accepted & uncertain

    def a_person_pauses(self, what: str) -> None:
        match what:
            case "pause sender":
                pause_sender(self.sender, BY)
            case "pause all":
                pause_everything(BY)
            case "resume sender":
                resume_sender(self.sender, BY)
            case _:
                resume_everything(BY)

    def sweep_now(self, *, much_later: bool) -> None:
        super().sweep_now(much_later=much_later)
        before = set(Receiver.objects.filter(state="uncertain").values_list("pk", flat=True))
        bulk.continue_unfinished(seconds=60)
        still = set(Receiver.objects.filter(state="accepted").values_list("pk", flat=True))
        self.said_arrived |= still & before

    def _check_acceptance(self, seen: Snapshot) -> None:
        """I3 of records; of receivers also what a person said."""
        accepted = [record for record in seen.records if record.outcome == "accepted"]
        assert {(one.mail_id, one.epoch, one.receiver_address) for one in accepted} <= self.said_250
        of_receivers = {receiver.pk for receiver in seen.receivers if receiver.state == "accepted"}
        assert of_receivers - self.said_arrived <= {one.receiver_id for one in accepted}

    def teardown(self) -> None:
        bulk.continue_unfinished(seconds=60)
        for work in (resume_sender(self.sender, BY), resume_everything(BY)):
            assert work is None or bulk.run(work).finished_at is not None
        assert not is_paused(Sender.objects.get(pk=self.sender.pk))
        super().teardown()


@pytest.mark.parametrize("policy", ["retry", "hold"])
def test_whatever_people_do_the_promises_are_kept(policy: str, settings: Settings) -> None:
    settings.MAILBOX_UNKNOWN_POLICY = policy
    for _ in range(25):
        _walk(random.SystemRandom().getrandbits(32))


def _walk(seed: int) -> None:
    chance = random.Random(seed)
    model = PeopleModel()
    story: list[str] = []
    try:
        model.begin_with_a_mail_in_a_workers_hand(chance.randint(1, 2), is_at_the_dot=chance.random() < 0.5)
        for _ in range(40):
            story.append(_take_step(model, chance))
            model.promises_hold()
        model.teardown()
    except AssertionError as error:
        error.add_note(f"seed {seed}: {story}")
        raise


def _take_step(model: PeopleModel, chance: random.Random) -> str:
    kind = chance.choices(["engine", "deed", "pause"], [6, 3, 1])[0]
    if kind == "deed":
        deed = chance.choice(DEEDS)
        model.a_person_acts(
            deed, chance.randrange(6), at_many=chance.random() < 0.4, is_broken_off=chance.random() < 0.3
        )
        return deed
    if kind == "pause":
        what = chance.choice(PAUSES)
        model.a_person_pauses(what)
        return what
    action = chance.choice(ACTIONS)
    model.something_happens(action, chance.randrange(6), chance.choices(VERDICTS, k=3), chance.choice(FINAL_REPLIES))
    return action
