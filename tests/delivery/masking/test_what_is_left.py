"""Of a secret that a server cuts short when it quotes it, or that is cut when its words are kept, nothing is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.masking.hiding import EVERYTHING, MARK, essences
from delivery.masking.remains import hide_what_is_left

CODE = "739218"
TOKEN = "pZ4kQ9xW2mB7vN1cR8tY3uJ6hG5fD0sAaSdFgHjKlPoIuYtReWqZxCvBnM13579L"
WANTED = essences([CODE, TOKEN])


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"blocked URL https://x/reset?token={TOKEN[:40]}...", f"blocked URL https://x/reset?token={MARK}..."),
        (f"blocked URL https://x/reset?token={TOKEN[:6]} (cut)", f"blocked URL https://x/reset?token={MARK} (cut)"),
        (f"blocked token={TOKEN[:2]}… by policy", f"blocked token={MARK}… by policy"),
        (f"blocked ...{TOKEN[-3:]} by policy", f"blocked ...{MARK} by policy"),
        (f"blocked …{TOKEN[20:30]}… by policy", f"blocked …{MARK}… by policy"),
        (f"blocked {TOKEN[:20].upper()}%4", f"blocked {MARK}%4"),
        (f"blocked {TOKEN[:3]}%5…", f"blocked {MARK}%5…"),
        ("code 7392 refused", f"code {MARK} refused"),
        ("code 73...", f"code {MARK}..."),
        ("code 73 92 1", f"code {MARK}"),
        (f"{TOKEN} and {TOKEN[:30]}", f"{MARK} and {MARK}"),
    ],
)
def test_beginnings_ends_and_words_of_a_secret_are_hidden(said: str, kept: str) -> None:
    assert hide_what_is_left(said, WANTED) == kept


@pytest.mark.parametrize(
    "said",
    [
        "",
        "OK",
        "Message refused by policy ...",
        "4.7.0 Try again in 739 seconds",
        "-------- ______",
        "queued as 73A92B18",
    ],
)
def test_ordinary_words_stay(said: str) -> None:
    assert hide_what_is_left(said, WANTED) == said
    assert hide_what_is_left(said, ()) == said


def test_where_everything_is_secret_nothing_stays() -> None:
    assert hide_what_is_left("Looks like spam...", {EVERYTHING}) == MARK


@given(st.text("abcXYZ0189+/=é码", min_size=8, max_size=40), st.integers(2, 39), st.sampled_from(["…", "..."]))
def test_no_cut_leaves_a_beginning(secret: str, length: int, sign: str) -> None:
    kept = hide_what_is_left(f"Refused <{secret[:length]}{sign}>", essences([secret]))
    assert secret[: min(length, len(secret))] not in kept
