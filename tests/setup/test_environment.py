from pathlib import Path

import pytest

from mailbox_admin.environment import Environment, SettingError
from tests.setup.test_manage import manage

NAME = "MAILBOX_OF_A_TEST"


@pytest.fixture(autouse=True)
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.setenv("MAILBOX_DATA_DIR", str(tmp_path))
    return Environment()


@pytest.fixture
def says(env: Environment, monkeypatch: pytest.MonkeyPatch) -> "Says":
    return Says(env, monkeypatch)


class Says:
    """Sets the variable, and tells what it is read as."""

    def __init__(self, env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
        self.env = env
        self.monkeypatch = monkeypatch

    def read(self, value: str, kind: str, **options: object) -> object:
        self.monkeypatch.setenv(NAME, value)
        return getattr(self.env, kind)(NAME, **options)

    def refusal(self, value: str, kind: str, **options: object) -> str:
        with pytest.raises(SettingError) as refused:
            self.read(value, kind, **options)
        return str(refused.value)


def test_values_are_read_as_what_they_are(says: Says) -> None:
    assert says.read("7", "int", default=1) == 7
    assert says.read("0", "int", default=1, least=0) == 0
    assert says.read("0.5", "float", default=1.0) == 0.5
    assert [says.read(text, "bool", default=False) for text in ("1", "Yes", "on", "TRUE")] == [True] * 4
    assert [says.read(text, "bool", default=True) for text in ("0", "No", "off", "false")] == [False] * 4
    assert says.read(" a, b ,,c", "list") == ["a", "b", "c"]
    assert says.read("Asia/Shanghai", "time_zone", default="UTC") == "Asia/Shanghai"
    assert says.read("redis://127.0.0.1:6379/0", "redis") == "redis://127.0.0.1:6379/0"
    assert says.read("b", "one_of", choices=("a", "b"), default="a") == "b"


def test_a_number_beyond_its_bounds_is_refused_with_them(says: Says) -> None:
    assert says.read("998", "int", default=1, most=998) == 998
    assert "write a whole number, from 1 to 998" in says.refusal("999", "int", default=1, most=998)
    assert "write a whole number, 1 or more" in says.refusal("0", "int", default=1)


def test_an_empty_value_is_as_good_as_none(says: Says) -> None:
    assert says.read("", "int", default=3) == 3
    assert says.read("", "bool", default=True) is True
    assert says.read("", "list") == []
    assert says.read("", "redis") == ""


def test_an_empty_variable_leaves_the_word_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").write_text(f"{NAME}=from-the-file\n")
    monkeypatch.setenv(NAME, "")
    assert Environment()(NAME) == "from-the-file"
    monkeypatch.setenv(NAME, "from-the-environment")
    assert Environment()(NAME) == "from-the-environment"


@pytest.mark.parametrize(
    ("value", "kind", "sentence"),
    [
        ("abc", "int", "is 'abc': write a whole number, 1 or more."),
        ("0", "int", "is '0': write a whole number, 1 or more."),
        ("1.5", "int", "is '1.5': write a whole number, 1 or more."),
        ("abc", "float", "is 'abc': write a number above 0."),
        ("0", "float", "is '0': write a number above 0."),
        ("nan", "float", "is 'nan': write a number above 0."),
        ("inf", "float", "is 'inf': write a number above 0."),
        ("maybe", "bool", "is 'maybe': write 1 or 0."),
        ("Mars", "time_zone", "is 'Mars': write the name of a time zone, such as Asia/Shanghai."),
        ("../etc", "time_zone", "is '../etc': write the name of a time zone, such as Asia/Shanghai."),
        ("Asia", "time_zone", "is 'Asia': write the name of a time zone, such as Asia/Shanghai."),
    ],
)
def test_a_wrong_value_is_a_sentence(says: Says, value: str, kind: str, sentence: str) -> None:
    assert says.refusal(value, kind, default=1) == f"{NAME} {sentence}"


def test_a_word_that_is_no_choice_is_told_the_choices(says: Says) -> None:
    sentence = f"{NAME} is 'c': write one of a, b."
    assert says.refusal("c", "one_of", choices=("a", "b"), default="a") == sentence


@pytest.mark.parametrize("value", ["canary", "mysql://u:canary@h/d", "postgres://u:canary@h:port/d"])
def test_a_wrong_database_is_refused_without_its_password(says: Says, value: str) -> None:
    sentence = f"{NAME} can't be used: write postgres://user:password@host/name."
    assert says.refusal(value, "database", default="") == sentence


def test_a_wrong_broker_is_refused_without_its_password(says: Says) -> None:
    sentence = f"{NAME} can't be used: write redis://host:6379/0."
    assert says.refusal("amqp://u:canary@h", "redis") == sentence


def test_the_file_fills_in_what_the_environment_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILBOX_A", "environment")
    monkeypatch.setenv("MAILBOX_B", "")
    monkeypatch.delenv("MAILBOX_B")
    (tmp_path / "env").write_text("MAILBOX_A=file\nMAILBOX_B=file\n")
    read = Environment()
    assert (read("MAILBOX_A"), read("MAILBOX_B")) == ("environment", "file")


def test_a_command_with_a_wrong_setting_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").write_text("SECRET_KEY=x\nSWEEP_SECONDS=soon\n")
    monkeypatch.delenv("SWEEP_SECONDS", raising=False)
    finished = manage(tmp_path, "check")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == "SWEEP_SECONDS is 'soon': write a number above 0.\n"
