"""How events move the steps on, and what each step says."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from delivery.check.events import CheckEvent, CheckResult, ContentSent, Verdict
from delivery.check.progress import Progress
from delivery.check.steps import Step, StepKey, StepState, idle_steps
from delivery.values import Credentials, Reply, ServerSettings, StepEvent, StepStatus, TlsFacts
from records.enums import Fault, Phase
from records.error_book import Failure
from senders.certificates import CertificateFacts
from senders.enums import Encryption

SIGNED_IN = Credentials("noreply@acme.test", "canary")


def settings(encryption: Encryption = Encryption.SSL, credentials: Credentials | None = SIGNED_IN) -> ServerSettings:
    return ServerSettings("mail.acme.test", 465, encryption, credentials)


def after(events: list[CheckEvent], server: ServerSettings | None = None) -> dict[str, Step]:
    progress = Progress(server or settings())
    for event in events:
        progress.apply(event)
    return {step.key.value: step for step in progress.steps}


def running(phase: Phase) -> StepEvent:
    return StepEvent(phase, StepStatus.RUNNING)


def done(phase: Phase, seconds: float = 0.1, **facts: str) -> StepEvent:
    return StepEvent(phase, StepStatus.DONE, seconds, facts)


def failed(phase: Phase, reply: Reply | None = None) -> StepEvent:
    return StepEvent(phase, StepStatus.FAILED, 0.5, reply=reply)


def certificate(days: int) -> CertificateFacts:
    # Half a day more: the test may run across midnight, and the days are whole ones.
    end = datetime.now(UTC) + timedelta(days=days, hours=12)
    return CertificateFacts("CN=mail.acme.test", "CN=Acme CA", datetime.now(UTC), end, "AB:CD", "pem")


def test_every_step_waits_before_the_check() -> None:
    assert [step.state for step in Progress(settings()).steps] == [StepState.WAITING] * 9


def test_with_implicit_tls_the_server_greets_after_the_handshake() -> None:
    keys = [step.key for step in idle_steps(Encryption.SSL)]

    assert keys[2:4] == [StepKey.TLS, StepKey.GREETING]


def test_with_starttls_the_server_greets_before_the_handshake() -> None:
    keys = [step.key for step in idle_steps(Encryption.TLS)]

    assert keys == ["resolve", "connect", "greeting", "tls", "auth", "mail", "rcpt", "data", "accepted"]


def test_a_step_that_ended_shows_its_time() -> None:
    steps = after([running(Phase.CONNECT), done(Phase.CONNECT, 0.0334, peer="127.0.0.1:465")])

    assert (steps["connect"].state, steps["connect"].elapsed) == (StepState.DONE, timedelta(milliseconds=33.4))
    assert steps["connect"].details == ("127.0.0.1:465 is open",)


def test_a_running_step_shows_no_time() -> None:
    assert after([running(Phase.CONNECT)])["connect"].elapsed is None


def test_resolving_says_name_and_addresses() -> None:
    steps = after([done(Phase.RESOLVE, addresses="192.0.2.1, 192.0.2.2")])

    assert steps["resolve"].details == ("mail.acme.test → 192.0.2.1, 192.0.2.2",)


def test_tls_says_version_cipher_subject_issuer_and_days_left() -> None:
    tls = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", certificate(83))
    steps = after([StepEvent(Phase.TLS, StepStatus.DONE, 0.1, tls=tls)])

    assert steps["tls"].details == (
        "TLSv1.3, TLS_AES_256_GCM_SHA384",
        "Certificate of CN=mail.acme.test",
        "Issued by CN=Acme CA",
        "Valid for 83 more days",
    )
    assert steps["tls"].warnings == ()


def test_a_certificate_that_expires_soon_is_warned_about() -> None:
    tls = TlsFacts("TLSv1.3", "X", certificate(1))
    steps = after([StepEvent(Phase.TLS, StepStatus.DONE, 0.1, tls=tls)])

    assert steps["tls"].details[-1] == "Valid for 1 more day"
    assert steps["tls"].warnings == ("The certificate expires soon. Ask for a new one before mail stops.",)


def test_a_password_in_clear_text_is_warned_about() -> None:
    events: list[CheckEvent] = [
        StepEvent(Phase.TLS, StepStatus.SKIPPED),
        done(Phase.AUTH, mechanism="PLAIN"),
    ]
    steps = after(events, settings(Encryption.NONE))

    assert steps["tls"].state is StepState.SKIPPED
    assert steps["tls"].details == ("No encryption chosen: the password travels in clear text.",)
    assert len(steps["auth"].warnings) == 1


def test_no_encryption_without_sign_in_warns_of_nothing() -> None:
    events: list[CheckEvent] = [StepEvent(Phase.TLS, StepStatus.SKIPPED), StepEvent(Phase.AUTH, StepStatus.SKIPPED)]
    steps = after(events, settings(Encryption.NONE, None))

    assert steps["tls"].details == ("No encryption chosen.",)
    assert steps["auth"].details == ("No sign-in chosen.",)


def test_sign_in_says_who_and_how_and_never_the_password() -> None:
    steps = after([done(Phase.AUTH, mechanism="LOGIN")])

    assert steps["auth"].details == ("Signed in as noreply@acme.test (LOGIN)",)


def test_a_second_greeting_under_tls_does_not_run_again() -> None:
    events: list[CheckEvent] = [done(Phase.GREETING, banner="mx"), running(Phase.GREETING)]

    assert after(events)["greeting"].state is StepState.DONE


def test_the_content_ends_and_the_acceptance_begins_when_the_dot_goes_out() -> None:
    steps = after([running(Phase.DATA), ContentSent(0.2)])

    assert steps["data"].state is StepState.DONE
    assert steps["data"].elapsed == timedelta(seconds=0.2)
    assert steps["accepted"].state is StepState.RUNNING


def test_the_acceptance_says_the_queue_id_and_its_own_time() -> None:
    steps = after([running(Phase.DATA), ContentSent(0.2), done(Phase.DATA, 0.5, size="812", queue_id="4XyZ")])

    assert steps["accepted"].details == ("Queued as 4XyZ",)
    assert steps["accepted"].elapsed == timedelta(seconds=0.3)
    assert steps["data"].details == ("812 bytes",)


def test_a_refused_content_fails_as_content_before_the_dot_and_as_acceptance_after_it() -> None:
    refusal = Reply(554, "5.7.1", "spam")

    before = after([running(Phase.DATA), failed(Phase.DATA, refusal)])
    behind = after([running(Phase.DATA), ContentSent(0.2), failed(Phase.DATA, refusal)])

    assert (before["data"].state, before["accepted"].state) == (StepState.FAILED, StepState.WAITING)
    assert (behind["data"].state, behind["accepted"].state) == (StepState.DONE, StepState.FAILED)
    assert behind["accepted"].reply == "554 5.7.1 spam"


def test_the_verdict_leaves_no_step_running_or_waiting() -> None:
    failure = Failure(Phase.AUTH, Fault.REPLY, 535)
    events: list[CheckEvent] = [
        done(Phase.RESOLVE),
        running(Phase.AUTH),
        failed(Phase.AUTH, Reply(535, "", "no")),
        Verdict(CheckResult.FAILED, 1, failure),
    ]
    states = {step.state for step in after(events).values()}

    assert states == {StepState.DONE, StepState.FAILED, StepState.SKIPPED}


@pytest.mark.parametrize("result", [CheckResult.FAILED, CheckResult.BROKEN, CheckResult.UNCERTAIN])
def test_a_step_that_still_runs_at_a_bad_end_is_the_one_that_failed(result: CheckResult) -> None:
    assert after([running(Phase.CONNECT), Verdict(result)])["connect"].state is StepState.FAILED


def test_a_failure_that_no_step_told_marks_the_step_of_its_phase() -> None:
    verdict = Verdict(CheckResult.FAILED, 1, Failure(Phase.MAIL, Fault.TOO_LARGE))

    assert after([verdict])["mail"].state is StepState.FAILED


def test_only_what_changed_is_returned() -> None:
    progress = Progress(settings())
    progress.apply(running(Phase.RESOLVE))

    assert [step.key for step in progress.apply(done(Phase.RESOLVE, addresses="192.0.2.1"))] == [StepKey.RESOLVE]


def test_steps_speak_the_language_of_the_reader() -> None:
    with translation.override("zh-hans"):
        label = str(StepKey.RESOLVE.label)

    assert label
