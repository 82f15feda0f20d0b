"""Sends requests of clients through the account's gate (`sources.port.ReadThrough`)."""

from __future__ import annotations

from bridge.core.errors import Failure
from bridge.sources.gate import Gate
from bridge.sources.http import HttpSession
from bridge.sources.port import Answer, Question

_OPERATIONS = {"GET": "gateway.read", "POST": "gateway.write"}


async def ask(gate: Gate, http: HttpSession, question: Question) -> Answer | Failure:
    """Send at once or not at all: when the budget is spent, the client decides about the wait."""
    operation = _OPERATIONS[question.method]

    async def request() -> Answer | Failure:
        if question.method == "GET":
            reply = await http.get(operation, question.path, dict(question.query))
        else:
            reply = await http.post(operation, question.path, question.body, question.headers)
        return reply if isinstance(reply, Failure) else Answer(*reply)

    return await gate.ask_or_refuse(operation, request)
