"""Evidence: what it tells, what it never tells, and that whatever is done to it is found where it was done."""

import json
import re
import tracemalloc
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from records.clock import database_now
from records.evidence import lines as evidence_lines
from records.evidence.exporting import Selection, stream_evidence
from records.evidence.keys import id_of, known_keys, read_public_key, signing_key, text_of
from records.evidence.lines import Line, chain, hash_of, write
from records.evidence.verifying import Verification
from records.keeping.completeness import mark_removed
from records.models import SendingRecord
from senders.keyring import add_primary_key, drop_keys, key_file, load_keyring
from senders.models import Sender
from tests.records.rows import NOON, make_mail, make_record

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def file_of(records: int) -> list[bytes]:
    contents: list[Line] = [{"kind": "header", "format": "mailbox-evidence-1"}]
    contents += [{"kind": "record", "receiver": f"用户{number}@example.net"} for number in range(records)]
    return list(chain([*contents, {"kind": "end", "records": records}], KEY))


def sealed_file() -> list[bytes]:
    """Give a file with lines of every kind."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(evidence_lines, "SIGNED_EVERY", 6)
        file = file_of(10)
    assert [json.loads(file[number])["kind"] for number in (0, 1, 6, -1)] == ["header", "record", "seal", "end"]
    return file


def findings(file: list[bytes], key: Ed25519PrivateKey = KEY) -> list[tuple[int, str]]:
    return [(found.line, found.sentence) for found in Verification(key.public_key()).run(file)]


def test_what_was_left_alone_is_whole() -> None:
    verification = Verification(KEY.public_key())
    assert list(verification.run(file_of(5))) == []
    assert verification.records == 5
    assert verification.header is not None


def test_an_empty_file_was_cut_off() -> None:
    assert findings([]) == [
        (1, "is missing: the file was cut off here, its signed end is not there."),
        (1, "is not the header that belongs there."),
    ]


def test_a_changed_line_is_named() -> None:
    file = file_of(5)
    file[3] = file[3].replace("用户2".encode(), "用户9".encode())
    assert findings(file) == [(4, "was changed (number 3).")]


def test_a_removed_line_is_named() -> None:
    file = file_of(5)
    del file[3]
    assert findings(file) == [
        (6, "tells of 5 records, and there are 4."),
        (4, "comes too early: number 3 was removed before it."),
    ]


def test_removed_lines_are_named_together() -> None:
    file = file_of(9)
    del file[3:6]
    assert findings(file)[-1] == (4, "comes too early: numbers 3 to 5 were removed before it.")


def test_very_many_removed_lines_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("records.evidence.verifying._MAX_MISSING", 2)
    file = file_of(9)
    del file[3:8]
    assert findings(file)[0] == (4, "comes too early: numbers 3 to 7 were removed before it.")


def test_a_number_that_was_changed_accuses_no_other_line() -> None:
    file = file_of(5)
    file[3] = file[3].replace(b'"number":3', b'"number":5')
    assert findings(file) == [(4, "was changed (number 3).")]


def test_a_line_that_was_put_in_twice_is_named() -> None:
    file = file_of(5)
    file.insert(3, file[3])
    assert findings(file)[0] == (5, "or the one with the same number 3 was added.")


def test_moved_lines_are_named() -> None:
    file = file_of(5)
    file[3], file[4] = file[4], file[3]
    assert findings(file) == [(5, "was moved: its number 3 belongs further up.")]


@pytest.mark.parametrize("kept", [1, 3, 6])
def test_a_file_that_was_cut_off_says_where(kept: int) -> None:
    assert findings(file_of(5)[:kept]) == [
        (kept + 1, "is missing: the file was cut off here, its signed end is not there.")
    ]


def test_a_line_that_was_cut_within_is_named() -> None:
    file = file_of(5)
    file[-1] = file[-1][:-10]
    assert findings(file)[0] == (7, "was changed or added: it is no line of evidence.")


def test_what_comes_after_the_end_was_added() -> None:
    assert findings([*file_of(2), b"{}\n"]) == [(5, "was added after the end.")]


def test_a_file_that_was_put_in_twice_is_one_finding() -> None:
    assert findings(file_of(2) * 2) == [(5, "and the 3 lines below it were added after the end.")]
    assert findings([*file_of(2), *file_of(2)[:2]]) == [(5, "and the line below it were added after the end.")]


def test_who_reckons_all_hashes_anew_has_no_signature() -> None:
    forged = [json.loads(line) for line in file_of(5)]
    forged[3]["receiver"] = "someone@else.example"
    previous = forged[2]["hash"]
    for line in forged[3:]:
        line["previous"] = previous
        previous = line["hash"] = hash_of(line)
    assert findings([write(line) + b"\n" for line in forged]) == [
        (7, "is not signed with this key: lines 1 to 7 prove nothing.")
    ]


def test_a_signature_now_and_then_tells_from_where_on_hashes_were_reckoned_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evidence_lines, "SIGNED_EVERY", 3)
    file = file_of(9)
    assert [number for number, line in enumerate(file, 1) if b"signature" in line] == [4, 8, 12, 14]
    forged = [json.loads(line) for line in file]
    forged[5]["receiver"] = "someone@else.example"
    previous = forged[4]["hash"]
    for line in forged[5:]:
        line["previous"] = previous
        previous = line["hash"] = hash_of(line)
    assert findings([write(line) + b"\n" for line in forged])[0] == (
        8,
        "is not signed with this key: lines 5 to 8 prove nothing.",
    )


@pytest.mark.parametrize("name", ["signature", "added"])
@pytest.mark.parametrize(("place", "kind"), [(0, "header"), (1, "record")])
def test_what_was_put_into_a_line_that_is_not_signed_is_found(place: int, kind: str, name: str) -> None:
    file = file_of(3)
    line = json.loads(file[place])
    assert line["kind"] == kind
    file[place] = write(line | {name: "outcome corrected: refused"}) + b"\n"
    assert findings(file) == [(place + 1, f"was changed (number {place}).")]


@pytest.mark.parametrize("place", [6, -1])
def test_a_signature_that_is_spelled_otherwise_is_found(place: int) -> None:
    file = sealed_file()
    line = json.loads(file[place])
    signature = line["signature"]
    # The last four bits before the padding stand for nothing.
    line["signature"] = signature[:-3] + chr(ord(signature[-3]) + 1) + "=="
    assert b64decode(line["signature"]) == b64decode(signature)
    file[place] = write(line) + b"\n"
    assert findings(file)[0][1].startswith("is not signed with this key")


def test_another_key_does_not_fit() -> None:
    other = Ed25519PrivateKey.generate()
    assert findings(file_of(1), other) == [(3, "is not signed with this key: lines 1 to 3 prove nothing.")]


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b"[" * 100_000 + b"\n",
        b'{"number":true,"hash":"","previous":""}\n',
        b'{"number":1e999,"hash":"","previous":""}\n',
        b'{"hash":"","number":1,"number":1,"previous":""}\n',
        b'{"hash":"","number":1, "previous":""}\n',
        b'{"hash":"\\ud800","number":1,"previous":""}\n',
        b"\xff\xfe\n",
        b'"' + b"x" * 1_000_001 + b"\n",
    ],
)
def test_what_is_no_line_of_ours_is_named_whatever_it_is(line: bytes) -> None:
    file = file_of(3)
    file[2] = line
    assert findings(file)[0] == (3, "was changed or added: it is no line of evidence.")


def swap(file: list[bytes], one: int, other: int) -> None:
    file[one], file[other] = file[other], file[one]


DEEDS: list[Callable[[list[bytes], int, int], object]] = [
    swap,
    lambda file, one, other: file.pop(one),
    lambda file, one, other: file.insert(one, file[other]),
    lambda file, one, other: file.__delitem__(slice(one, None)),
]


WHOLE = sealed_file()


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, len(WHOLE) - 1), st.sampled_from(DEEDS))
@settings(deadline=None)
def test_nothing_can_be_done_to_a_file_that_is_not_found(
    one: int, other: int, deed: Callable[[list[bytes], int, int], object]
) -> None:
    touched = list(WHOLE)
    deed(touched, one, other)
    assert bool(findings(touched)) == (touched != WHOLE)


@given(st.integers(0, len(b"".join(WHOLE)) - 1), st.integers(0, 7))
@settings(deadline=None)
def test_no_bit_can_be_changed_that_is_not_found(place: int, bit: int) -> None:
    octets = bytearray(b"".join(WHOLE))
    octets[place] ^= 1 << bit
    assert findings(BytesIO(octets).readlines())


@given(
    st.integers(0, len(WHOLE) - 1),
    st.sampled_from([*json.loads(WHOLE[0]), *json.loads(WHOLE[1]), *json.loads(WHOLE[-1]), "added"]),
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
)
@settings(deadline=None)
def test_no_key_can_be_put_into_a_line_or_changed_that_is_not_found(place: int, name: str, value: object) -> None:
    touched = list(WHOLE)
    try:
        touched[place] = write(json.loads(WHOLE[place]) | {name: value}) + b"\n"
    except UnicodeEncodeError:
        reject()
    assert bool(findings(touched)) == (touched != WHOLE)


def test_little_is_held_however_long_a_file_is() -> None:
    file = file_of(20_000)
    tracemalloc.start()
    assert findings(file) == []
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.django_db
@pytest.mark.usefixtures("own_keys")
class TestCommands:
    """The commands, with real records."""

    def export(self, path: Path, **options: object) -> str:
        out = StringIO()
        given = {"since": "2026-03-10", "until": "2026-03-10", "output": path, "by": "ann"}
        call_command("export_evidence", stdout=out, **(given | options))
        return out.getvalue()

    def verify(self, path: Path, **options: object) -> str:
        out, err = StringIO(), StringIO()
        try:
            call_command("verify_evidence", path, stdout=out, stderr=err, **options)
        except CommandError as error:
            return err.getvalue() + str(error)
        return out.getvalue()

    def test_a_file_tells_of_every_record_of_its_time_and_verifies(self, tmp_path: Path) -> None:
        mail = make_mail(message_id="<1@example.com>", subject="CANARY-SUBJECT", mime=b"CANARY-BODY")
        record = make_record(mail, reply_code=250, reply_text="2.0.0 好", started_at=NOON)
        make_record(started_at=NOON - timedelta(days=1))
        make_record(started_at=NOON + timedelta(days=1))
        path = tmp_path / "evidence.jsonl"
        assert self.export(path).startswith("3 lines written. Public key: ")
        header, line, end = map(json.loads, path.read_bytes().splitlines())
        assert (header["exported_by"], header["since"]) == ("ann", "2026-03-10T00:00:00.000000+00:00")
        assert (line["record"], line["mail"], line["message_id"]) == (record.pk, mail.pk, "<1@example.com>")
        assert (line["reply_text"], line["started_at"]) == ("2.0.0 好", "2026-03-10T12:00:00.000000+00:00")
        assert end["records"] == 1
        assert b"CANARY" not in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
        assert self.verify(path).startswith("The file is whole: 1 record from 2026-03-10T00:00:00.000000+00:00")

    def test_one_account_may_be_asked_for(self, tmp_path: Path) -> None:
        make_record()
        make_record(sender_address="other@example.com")
        self.export(tmp_path / "e", sender="other@example.com")
        assert "1 record of other@example.com" in self.verify(tmp_path / "e")

    def test_an_account_is_found_whatever_the_case_and_a_mistyped_one_is_refused(self, tmp_path: Path) -> None:
        Sender.objects.create(address="reports@example.com", host="mail.example.com", port=465)
        self.export(tmp_path / "e", sender="Reports@Example.COM")
        assert "0 records of reports@example.com" in self.verify(tmp_path / "e")
        with pytest.raises(CommandError, match=r"There is no account report@example\.com, nor a record of one"):
            self.export(tmp_path / "f", sender="report@example.com")
        assert not (tmp_path / "f").exists()

    def test_a_key_that_this_machine_has_no_more_is_asked_for(self, tmp_path: Path) -> None:
        make_record()
        self.export(tmp_path / "e")
        key = signing_key().public_key()
        add_primary_key()
        drop_keys(key.id for key in load_keyring().keys[1:])
        said = self.verify(tmp_path / "e")
        assert id_of(key) in said
        assert "which this machine has not, or not any more" in said
        assert "NOT whole" not in said
        assert self.verify(tmp_path / "e", public_key=text_of(key)).startswith("The file is whole")

    def test_an_auditor_checks_it_with_the_public_key_alone(self, tmp_path: Path, settings: object) -> None:
        make_record()
        self.export(tmp_path / "e")
        out = StringIO()
        call_command("export_evidence", "--public-key", stdout=out)
        key = out.getvalue().strip()
        settings.DATA_DIR = tmp_path / "elsewhere"  # type: ignore[attr-defined]
        assert "This machine has no keys" in self.verify(tmp_path / "e")
        assert self.verify(tmp_path / "e", public_key=key).startswith("The file is whole")
        other = text_of(Ed25519PrivateKey.generate().public_key())
        assert "is not signed with this key" in self.verify(tmp_path / "e", public_key=other)
        assert "32 bytes in base64 form" in self.verify(tmp_path / "e", public_key="nonsense")

    def test_evidence_from_before_a_rotation_of_keys_still_verifies(self, tmp_path: Path) -> None:
        make_record()
        self.export(tmp_path / "e")
        before = signing_key().public_key()
        add_primary_key()
        assert id_of(signing_key().public_key()) != id_of(before)
        assert [id_of(key) for key in known_keys()][1] == id_of(before)
        assert self.verify(tmp_path / "e").startswith("The file is whole")

    def test_the_signing_key_is_no_encryption_key(self) -> None:
        key = signing_key()
        (line,) = [line for line in key_file().read_text().splitlines() if line and not line.startswith("#")]
        assert key.private_bytes_raw().hex() not in line
        assert text_of(read_public_key(text_of(key.public_key()))) == text_of(key.public_key())

    def test_what_is_wrong_is_told_line_by_line(self, tmp_path: Path) -> None:
        for number in range(3):
            make_record(receiver_address=f"u{number}@example.net")
        path = tmp_path / "e"
        self.export(path)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([lines[0], lines[1].replace(b"u0@", b"u9@"), lines[2], *lines[4:]]))
        told = self.verify(path)
        assert "Line 2 was changed (number 1)." in told
        assert "Line 4 comes too early: number 3 was removed before it." in told
        assert re.search(r"The file is NOT whole: \d findings\.$", told)

    def test_what_keeping_removed_before_is_told(self, tmp_path: Path) -> None:
        make_record(started_at=NOON + timedelta(hours=1))
        make_record(started_at=NOON)
        mark_removed(SendingRecord.objects.filter(started_at=NOON))
        told = "Records of tries that began up to 2026-03-10T12:00:00.000000+00:00 "
        assert told in self.export(tmp_path / "e")
        header, *_records, end = map(json.loads, (tmp_path / "e").read_bytes().splitlines())
        assert (header["removed_up_to"], end["removed_up_to"]) == ("2026-03-10T12:00:00.000000+00:00",) * 2
        assert told in self.verify(tmp_path / "e")

    def test_what_keeping_removes_meanwhile_is_told(self, tmp_path: Path) -> None:
        for _ in range(2):
            make_record(started_at=NOON)
        lines = stream_evidence(Selection(NOON, NOON + timedelta(days=1)), "ann")
        header = next(lines)
        mark_removed(SendingRecord.objects.all())
        (tmp_path / "e").write_bytes(b"".join([header, *lines]))
        assert json.loads(header)["removed_up_to"] is None
        assert "Records of tries that began up to 2026-03-10T12:00" in self.verify(tmp_path / "e")

    def test_nothing_is_told_of_records_that_were_removed_of_another_time(self, tmp_path: Path) -> None:
        make_record(started_at=NOON - timedelta(days=1))
        mark_removed(SendingRecord.objects.all())
        assert "removed" not in self.export(tmp_path / "e")
        assert "removed" not in self.verify(tmp_path / "e")

    def test_files_from_before_that_was_noted_are_whole(self, tmp_path: Path) -> None:
        header: Line = {"kind": "header", "format": "mailbox-evidence-1"}
        (tmp_path / "e").write_bytes(b"".join(chain([header, {"kind": "end", "records": 0}], signing_key())))
        assert self.verify(tmp_path / "e").startswith("The file is whole: 0 records")

    def test_a_file_ends_before_what_may_not_be_recorded_yet(self, tmp_path: Path) -> None:
        now = database_now()
        make_record(started_at=now - timedelta(hours=1))
        make_record(started_at=now - timedelta(seconds=5))
        since, until = now - timedelta(hours=2), now + timedelta(days=2)
        told = self.export(tmp_path / "e", since=since.isoformat(), until=until.isoformat())
        header = json.loads((tmp_path / "e").read_bytes().splitlines()[0])
        end = datetime.fromisoformat(header["until"])
        assert end <= database_now() - timedelta(minutes=1)
        assert f"It ends at {end.isoformat()}: not every later try is recorded yet." in told
        assert "1 record " in self.verify(tmp_path / "e")

    def test_a_time_of_which_nothing_is_sure_to_be_recorded_yet_is_refused(self, tmp_path: Path) -> None:
        since = database_now() - timedelta(seconds=5)
        with pytest.raises(CommandError, match="Not every try of that time is recorded yet"):
            self.export(tmp_path / "e", since=since.isoformat(), until=(since + timedelta(days=1)).isoformat())
        assert not (tmp_path / "e").exists()

    def test_other_line_ends_are_named_as_such(self, tmp_path: Path) -> None:
        make_record()
        path = tmp_path / "e"
        self.export(path)
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"\n", b"\r\n"))
        assert self.verify(path).startswith("The file is NOT whole: its lines end in CR LF")
        path.write_bytes(whole + b"{}\n")
        assert self.verify(path).endswith("The file is NOT whole: 1 finding.")

    def test_evidence_is_never_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "e").write_text("mine")
        with pytest.raises(CommandError, match="never overwritten"):
            self.export(tmp_path / "e")
        assert (tmp_path / "e").read_text() == "mine"

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"since": "soon"}, "--since soon is neither a day, such as 2026-03-01, nor a time"),
            ({"since": None, "until": None}, "--since is missing. Say the first day, --since 2026-03-01"),
            ({"until": None}, "--until is missing. Say the last day, --until 2026-03-31"),
            ({"since": "2026-13-01"}, "--since 2026-13-01 is neither"),
            ({"until": "9999-12-31"}, "--until 9999-12-31 is neither"),
            ({"since": "2026-03-11"}, "must lie before"),
            ({"output": None}, "--output FILE"),
            ({"output": Path("/nowhere/at/all")}, "can't be written"),
        ],
    )
    def test_what_is_missing_or_wrong_is_said(self, tmp_path: Path, options: dict[str, object], sentence: str) -> None:
        with pytest.raises(CommandError, match=re.escape(sentence)):
            self.export(tmp_path / "e", **options)
        assert {path.name for path in tmp_path.iterdir()} <= {"keys", "keys.lock"}

    def test_times_may_be_told_to_the_minute(self, tmp_path: Path) -> None:
        make_record(started_at=NOON)
        self.export(tmp_path / "e", since="2026-03-10T12:00", until="2026-03-10T12:01+00:00")
        assert "1 record " in self.verify(tmp_path / "e")
        assert datetime(2026, 3, 10, 12, tzinfo=UTC) == NOON

    def test_a_file_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        assert "can't be read" in self.verify(tmp_path / "nothing")

    def test_many_records_take_a_query_each_thousand_and_are_sealed(self, tmp_path: Path) -> None:
        mail = make_mail()
        first = make_record(mail)
        SendingRecord.objects.bulk_create(
            [
                SendingRecord(
                    mail=mail, receiver=first.receiver, receiver_address="a@example.net", epoch=number,
                    outcome="accepted", started_at=NOON, ended_at=NOON,
                )
                for number in range(2, 2502)
            ]
        )  # fmt: skip
        self.export(tmp_path / "e")
        assert (tmp_path / "e").read_bytes().count(b'"kind":"seal"') == 2
        assert "2501 records" in self.verify(tmp_path / "e")
