"""A ticket is used once or said to be unused; nothing else can happen to it."""

from __future__ import annotations

import random

import pytest

from bridge.sources.miosa.rules.tickets import FINAL, Ticket, TicketError, TicketState
from tests.cases import each_case


def minted(now: float = 0.0, life_s: float | None = 60.0) -> Ticket:
    ticket = Ticket()
    ticket.minted(now, "sset_secret", life_s)
    return ticket


def test_a_ticket_is_taken_once() -> None:
    ticket = minted()
    assert ticket.take(1.0) == "sset_secret"
    with pytest.raises(TicketError):
        ticket.take(1.0)
    assert ticket.close() is TicketState.USED


def test_one_that_is_nearly_over_is_not_risked() -> None:
    ticket = minted()
    assert ticket.take(56.0) is None
    assert ticket.close() is TicketState.EXPIRED


@pytest.mark.parametrize("life_s", [0.0, -3.0, None])
def test_a_life_that_makes_no_sense_is_taken_as_the_usual_minute(life_s: float | None) -> None:
    assert minted(life_s=life_s).take(1.0) is not None
    assert minted(life_s=life_s).take(59.0) is None


def test_one_that_nobody_connects_with_is_told() -> None:
    assert minted().close() is TicketState.UNUSED
    assert Ticket().close() is TicketState.UNUSED


def test_a_refusal_gives_none_out() -> None:
    ticket = Ticket()
    ticket.refused()
    with pytest.raises(TicketError):
        ticket.take(0.0)
    assert ticket.close() is TicketState.REFUSED


def test_the_secret_is_in_no_text() -> None:
    ticket = minted()
    assert "secret" not in repr(ticket)
    ticket.close()
    assert not ticket._secret


@each_case("seed", range(50))
def test_whatever_is_done_in_any_order_a_secret_leaves_at_most_once(seed: int) -> None:
    chance = random.Random(seed)
    ticket, given = Ticket(), 0
    for now in range(20):
        try:
            match chance.randrange(4):
                case 0:
                    ticket.minted(float(now), "sset_secret", chance.choice([None, 1.0, 60.0]))
                case 1:
                    given += ticket.take(float(now)) is not None
                case 2 if chance.random() < 0.2:
                    ticket.refused()
                case _ if chance.random() < 0.1:
                    ticket.close()
        except TicketError:
            pass
    assert given <= 1
    assert ticket.close() in FINAL
