"""A password that is a word: where a sentence says that it is one, and nowhere else."""

from __future__ import annotations

import pytest

from bridge.redact import Redactor
from tests.cases import each_case

SAID = (
    "the password is {}", "The admin password is {}.", "password is: {}",
    "My password was {}, but not any more", 'it said "the password is {}"', "the wifi passphrase is {}",
    "Password for dana is {}\nand the user is dana",
)  # fmt: skip
COMMON = (
    "use the password {} to log in", "log in with user admin and password {}", 'password "{}" works',
    "set the root password to {}", "credentials: admin/{}", "login: dana / {}",
    "mysql -uroot -p{} shop", "sshpass -p {} ssh dana@host", "user dana with password {} was created",
)  # fmt: skip
HARMLESS = """the password is wrong
the password is incorrect.
Your password was changed.
password is optional, the user is not
if the password is expired, reset it
the password is temporary
the passphrase is empty
passwords are hashed.
the password is case-sensitive
reset your password to continue
compare the password to hashes
the password is kept in the keyring
password "monkey patch"
the token is broken
the password is something you know
the password is part of the address
log in as admin / operator
[password] changed
[token] 12 tokens left
password = == other
the password is popular.
Password must be longer""".split("\n")


@each_case("sentence", SAID)
@each_case("word", ["wombatisland", "hunter", "Letmein"])
def test_a_word_that_a_sentence_calls_the_password_goes(sentence: str, word: str) -> None:
    assert word not in Redactor().text(sentence.format(word))


@pytest.mark.parametrize("sentence", COMMON)
def test_a_common_password_goes_beside_its_name(sentence: str) -> None:
    assert "sunshine" not in Redactor().text(sentence.format("sunshine"))


@each_case("sentence", HARMLESS)
def test_what_is_said_of_a_password_stays(sentence: str) -> None:
    assert Redactor().text(sentence) == sentence


@pytest.mark.parametrize("start", ["=", "==", "=+"])
@pytest.mark.parametrize("notation", ["token: {}", "password={}", 'api_key = "{}"'])
def test_a_value_may_begin_with_signs_of_equality(start: str, notation: str) -> None:
    value = "Zq7um3m08hsE8JNpjJOQGa2"
    assert value not in Redactor().text(notation.format(start + value))


def test_a_label_in_brackets_names_what_a_machine_made() -> None:
    value = "vK3" + "q8Zr" * 5 + "T1"
    assert value not in Redactor().text(f"[API_KEY] {value}")
