"""What is remembered of texts changes the speed, never what is replaced."""

from __future__ import annotations

from bridge.redact import Memory, Policy, Redactor
from bridge.redact.seen import PLACES_MAX, SEEN_MAX, SHORT_MAX, Seen, SeenTexts, key_of
from tests.cases import each_case
from tests.corpus.build import cases

P = "tundra" + "Harbor7241"
T = "hV3kTq8LmZ" + "x2Wn5Rj7"
LONG = "x" * SHORT_MAX


def held(redactor: Redactor) -> dict[str | bytes, Seen]:
    return redactor._tree.seen._known


def test_an_event_is_replaced_and_counted_the_same_when_it_comes_again() -> None:
    events = [case.event for case in cases(3)]
    one = Redactor()
    for event in events * 2:
        other = one.aside()
        assert one.event(event) == other.event(event)
        assert one.take_counts() == other.take_counts()


@each_case(
    "text",
    [f"password={P}", f"{LONG} password={P} {LONG}", f'{{"password": "{P}"}}', f"пароль: {P}",
     f"p\u200bassword={P}", f"\x1b[32mpassword\x1b[0m={P}"],
)  # fmt: skip
def test_a_secret_is_held_by_no_memory_of_texts(text: str) -> None:
    redactor = Redactor()
    first = redactor.text(text)
    assert P not in first
    assert redactor.text(text) == first
    assert P not in str([(key, seen.places) for key, seen in held(redactor).items()])


def test_a_secret_that_comes_again_is_an_echo_for_the_rest_of_its_event() -> None:
    redactor = Redactor()
    event = {"a": f"token={T} x", "b": f"they use {T} now"}
    for _ in range(3):
        assert T not in str(redactor.value(event))
    assert redactor.value({"b": event["b"]}) == {"b": event["b"]}


def test_what_one_event_had_no_effort_for_is_read_in_the_next() -> None:
    redactor = Redactor()
    text = "token: none " * 400 + f"password={P}"
    whole = redactor.text(text)
    assert P not in whole
    assert "unscanned" not in whole
    cost = held(redactor)[key_of(text)].cost
    tree = redactor.aside()._tree
    for left in (cost // 2, cost, cost + 1):  # of what an event may cost, before this text
        tree.begin()
        tree._effort_left = left
        assert ("unscanned" in tree.text(text)) is (left < cost)
        tree.begin()
        assert tree.text(text) == whole  # what was cut is not remembered as all there is
        tree._effort_left = cost // 2
        assert "unscanned" in tree.text(text)  # nor does one that is known cost less
        tree.forget()


def test_a_new_own_secret_is_found_in_a_text_that_was_harmless() -> None:
    redactor = Redactor()
    for text in (f"it says {P[:14]}", f"{LONG} it says {P[:14]}"):
        assert redactor.text(text) == text
        redactor.protect([P[:14]])
        assert P[:14] not in redactor.text(text)
        redactor.protect([])


def test_another_policy_forgets_what_was_seen() -> None:
    redactor = Redactor()
    text = f"{LONG} ticket TICK-4412-9921"
    assert redactor.text(text) == text
    redactor.adopt(Redactor(Policy(patterns=(("ticket", r"TICK-\d{4}-\d{4}"),))))
    assert "TICK-4412" not in redactor.text(text)


def test_a_command_that_comes_again_still_hides_its_output() -> None:
    redactor, memory = Redactor(), Memory()
    event = {"id": "1", "payload": {"input": {"command": "pass show db/prod"}, "output": f"{P}\n"}}
    for _ in range(2):
        assert P not in str(redactor.event(event, memory))


def test_it_is_bounded() -> None:
    texts = SeenTexts()
    for number in range(SEEN_MAX + 10):
        texts.put(str(number), key_of(str(number)), Seen(0, ()))
    assert len(texts._known) == 10
    redactor = Redactor()
    many = "\n".join(f"password={P}{number}" for number in range(PLACES_MAX + 1))
    assert redactor.text(many).count("[REDACTED:") == PLACES_MAX + 1
    assert key_of(many) not in held(redactor)
