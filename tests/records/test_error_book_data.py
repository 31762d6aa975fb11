"""The entries of the error book are well-formed, complete in both languages, and every one can be reached."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from records.enums import Fault, Outcome, Phase
from records.error_book import ENTRIES, Failure, explain, explain_outcome
from records.error_book.book import Entry, read_tables
from records.error_book.rules import Rule
from senders.enums import Encryption, LoginMethod
from senders.guides import find_guide
from senders.presets import find_preset

TABLES = list(read_tables())
SAMPLES = [(key, sample) for key, table in TABLES for sample in table.get("samples", ())]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)


def failure_of(sample: Mapping[str, Any]) -> Failure:
    return Failure(
        phase=Phase(sample["phase"]) if "phase" in sample else None,
        fault=Fault(sample["fault"]),
        reply_code=sample.get("code"),
        enhanced_status=sample.get("status", ""),
        reply_text=sample.get("text", ""),
        host=sample.get("host", ""),
        port=sample.get("port"),
        encryption=Encryption(sample["encryption"]) if "encryption" in sample else None,
        login_method=LoginMethod(sample["login_method"]) if "login_method" in sample else None,
    )


def test_the_book_holds_a_hundred_entries_and_more() -> None:
    assert len(ENTRIES) > 100


def test_no_two_entries_share_a_key_even_across_files() -> None:
    assert [key for key, count in Counter(key for key, _ in TABLES).items() if count > 1] == []


@every_entry
def test_the_key_of_an_entry_fits_into_a_record(entry: Entry) -> None:
    assert re.fullmatch(r"[a-z0-9_-]{1,64}", entry.key)


@every_entry
def test_cause_and_fix_are_written_in_both_languages(entry: Entry) -> None:
    for text in (entry.cause, entry.fix):
        assert CHINESE.search(text.zh)
        assert not CHINESE.search(text.en)
        assert text.en[-1] == "."
        assert text.zh[-1] == "。"


@every_entry
def test_the_guide_and_the_providers_of_an_entry_exist(entry: Entry) -> None:
    assert entry.guide == "" or find_guide(entry.guide)
    assert [key for rule in entry.rules for key in rule.providers if find_preset(key) is None] == []


@every_entry
def test_an_entry_names_no_mail_address(entry: Entry) -> None:
    texts = (entry.cause.en, entry.cause.zh, entry.fix.en, entry.fix.zh)
    assert [text for text in texts if re.search(r"[\w.]@[\w-]+\.\w", text)] == []


@pytest.mark.parametrize(("key", "sample"), SAMPLES)
def test_every_sample_leads_back_to_its_entry(key: str, sample: Mapping[str, Any]) -> None:
    assert explain(failure_of(sample)).key == key


@pytest.mark.parametrize(("key", "table"), TABLES, ids=[key for key, _ in TABLES])
def test_every_entry_can_be_reached(key: str, table: Mapping[str, Any]) -> None:
    if "outcome" in table:
        assert explain_outcome(Outcome(table["outcome"]), table.get("skip_reason", "")).key == key
    else:
        assert table["samples"]


def test_samples_use_names_and_addresses_kept_for_examples() -> None:
    domains = [
        domain for _, sample in SAMPLES for domain in re.findall(r"[\w.+-]+@([\w.-]+\w)", sample.get("text", ""))
    ]
    assert [name for name in domains if not re.fullmatch(r"example\.(com|org)|\w+\.test", name)] == []


def test_codes_and_statuses_of_rules_are_written_as_they_are_matched() -> None:
    rules = [rule for entry in ENTRIES for rule in entry.rules]
    assert [code for rule in rules for code in rule.codes if not re.fullmatch(r"[45](\d\d|yz)", code)] == []
    statuses = [status for rule in rules for status in rule.statuses]
    assert [status for status in statuses if not re.fullmatch(r"[45]\.\d\.(\d{1,3}|\*)", status)] == []


def test_no_rule_fits_everything() -> None:
    empty = Rule.read({})
    assert [entry.key for entry in ENTRIES if empty in entry.rules] == []


@pytest.mark.parametrize("table", [{"code": [535]}, {"phases": ["nowhere"]}, {"faults": ["nothing"]}])
def test_a_misspelt_rule_is_refused(table: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown fields|is not a valid"):
        Rule.read(table)
