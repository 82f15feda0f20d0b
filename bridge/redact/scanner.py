"""One text: find, replace, count; and what is remembered of an event for its other texts."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Self

from bridge.redact import anchors, dress, echoes, line_heads, literals, patterns
from bridge.redact.anchors import HITS_MAX, Hit
from bridge.redact.fold import fold
from bridge.redact.jsondoc import Document, NotADocumentError, keep_structure, parses
from bridge.redact.names.remembered import Names
from bridge.redact.policy import Policy
from bridge.redact.seen import SHORT_MAX, Place, Seen, SeenTexts, key_of, places_in
from bridge.redact.spans import (
    MARK_OPEN,
    MARKER_MAX,
    Scan,
    Span,
    fingerprint,
)

TEXT_MIN = 6  # a shorter text holds no secret that could be recognised
# What a text may cost, in values read of up to 32 characters each; then it fails closed. Ordinary
# JSON names a value every 16 characters at most; hostile text names long ones everywhere.
EFFORT_FREE = 600
EFFORT_PER = 16  # one more for so many characters
# What an event may cost, in texts that hold literals and in values read: what one text of full length
# may. Ordinary events of upstream's greatest size cost a tenth of it.
EVENT_EFFORT_MAX: Final = 20_480
TEXT_EFFORT: Final = 2  # of each text that holds literals
UNSCANNED: Final = f"{MARK_OPEN}unscanned]"
EFFORT_LONG: Final = 65_536  # characters from which on it is one for four times as many
# Characters of one event that are read; what follows is replaced, unread. Ten times the longest text
# that upstream accepts (100,000, mogplex.md 1.6) and fifty times its largest payload. The worst
# text known takes under a second for so many; ordinary ones 40 ms.
EVENT_CHARS_MAX: Final = 2**20


NOTHING: Final = Seen(0, ())
_NOWHERE: Final = (2**62, 2**62)


class Finding(NamedTuple):
    """A replacement: in which text, from which character on, by which rule. Never logged whole."""

    text: str
    start: int
    rule: str
    kind: str


class TextRedactor:
    """Redacts single texts. Counts by rule; `trace`, if set to a list, collects findings."""

    def __init__(
        self, policy: Policy, chars_max: int = EVENT_CHARS_MAX, *, is_quick: bool = True
    ) -> None:
        self._chars_max = chars_max
        self._chars_left = chars_max
        # Who lets more characters be read lets them cost more.
        self._scale = max(1, chars_max // EVENT_CHARS_MAX)
        self._effort_left = EVENT_EFFORT_MAX * self._scale
        self.off = policy.off
        self._patterns = patterns.compiled(policy)
        self._print_key = (
            None
            if policy.fingerprint_key is None
            else hashlib.sha256(policy.fingerprint_key).digest()
        )
        names = tuple(anchors.literals_of(policy.keys))
        self._prefilter = anchors.build(policy.off, names, is_quick=is_quick)
        self._hits = self._prefilter.hits
        self._policy = policy
        self._is_quick = is_quick
        self.names = Names(policy)
        self.counts: dict[str, int] = {}
        self.echoes: dict[str, str] = {}
        self.seen = SeenTexts()
        self.trace: list[Finding] | None = None
        self.own_secrets: tuple[str, ...] = ()  # known by heart; replaced wherever they stand

    def apart(self) -> Self:
        """The same policy and own secrets with a memory of its own."""
        other = type(self)(self._policy, self._chars_max, is_quick=self._is_quick)
        other.own_secrets = self.own_secrets
        return other

    def begin(self) -> None:
        """Forget the last event: its values found, and how much of it was read."""
        self.echoes.clear()
        self._chars_left = self._chars_max
        self._effort_left = EVENT_EFFORT_MAX * self._scale

    def text(self, s: str) -> str:
        """Return the text with every secret replaced; the same object when there is none."""
        size = len(s)
        if size < TEXT_MIN:
            return s
        is_short = size <= SHORT_MAX
        if "[" in s and (marks := s.count(MARK_OPEN)):
            # Markers of an earlier pass are longer than what they replaced: they cost nothing, or
            # a text that just fitted would be cut by the second pass. Never under a quarter.
            size = max(size // 4, size - MARKER_MAX * marks)
        self._chars_left -= size
        if self._chars_left < 0:
            return self._beyond(s, size)
        if is_short and self._known(s) is not None:
            return s  # one with a secret is not known by its text
        return self._whole(s)

    def _beyond(self, s: str, size: int) -> str:
        """As much of the text as may still be read, and a marker for the rest."""
        room = size + self._chars_left
        head = self._whole(s[:room]) if room > 0 else ""
        return head + self.mark("unscanned", "unscanned", s, max(room, 0))

    def _whole(self, s: str) -> str:
        for secret in self.own_secrets:
            if secret in s:
                s = s.replace(secret, self.mark("token", "own-token", s, s.index(secret)))
        key = b""
        if len(s) > SHORT_MAX and (seen := self._known(key := key_of(s))) is not None:
            return self._marked(s, seen.places)
        text = s if s.isascii() else fold(s)
        low = text.lower()
        hits = self._hits(low)
        if not hits and not self._patterns and not dress.hides(text):
            self.seen.put(s, key, NOTHING)
            return s
        if not key and (seen := self._known(key := key_of(s))) is not None:
            return self._marked(s, seen.places)
        return self._scan(s, text, low, hits, key)

    def _known(self, key: str | bytes) -> Seen | None:
        """What is known of a text that is read again, its cost paid; None if it must be read."""
        seen = self.seen.get(key)
        if seen is None or seen.cost >= self._effort_left:
            return None
        self._effort_left -= seen.cost
        return seen

    def _moved(self, hits: list[Hit], views: list[dress.View], low: str) -> list[Hit]:
        """The hits in a text as hits in the last of its views."""
        moved = anchors.moved(hits, views[0]) if len(views) == 1 else None
        return self._hits(low) if moved is None else moved

    def _all(self, hits: list[Hit], low: str) -> Iterable[Hit]:
        """All of them: of a text that has more they are looked for again, one after the other."""
        return hits if len(hits) < HITS_MAX else self._prefilter.iter(low)

    def shows_nothing(self, s: str) -> bool:
        """Is there no secret in the text? Counts nothing and remembers nothing."""
        text = fold(s)
        low = text.lower()
        scan = self._found(text, low, self._hits(low))
        known = any(secret in s for secret in self.own_secrets)
        return scan is not None and not scan.spans and not known

    def replace(self, secret: str, kind: str, rule: str, source: str = "", start: int = 0) -> str:
        """Count, remember the value for the rest of the event, and return its marker."""
        if len(self.echoes) < echoes.ECHOES_MAX and echoes.may_be_echo(secret):
            # Found by two rules, the kind must not depend on which came first.
            self.echoes[secret] = min(kind, self.echoes.get(secret, kind))
        mark = self.mark(kind, rule, source or secret, start)
        if self._print_key is None:
            return mark
        return f"{mark[:-1]}:{fingerprint(secret, self._print_key)}]"

    def mark(self, kind: str, rule: str, source: str = "", start: int = 0) -> str:
        """Count and return a marker without a fingerprint."""
        self.counts[rule] = self.counts.get(rule, 0) + 1
        if self.trace is not None:
            self.trace.append(Finding(source, start, rule, kind))
        return f"{MARK_OPEN}{kind}]"

    def echoed(self, s: str, values: list[str]) -> str:
        """Replace the values found elsewhere in the same event, longest first."""
        if s == UNSCANNED:
            return s
        result = s
        for value in values:
            at = result.find(value)
            if at >= 0:
                result = result.replace(value, self.mark(self.echoes[value], "echo", s, at))
        return result

    def _scan(self, s: str, text: str, low: str, hits: list[Hit], key: bytes) -> str:
        before = self._effort_left
        scan = self._found(text, low, hits)
        if scan is None:
            return self.mark("unscanned", "unscanned", s)
        places = places_in(s, scan) if scan.spans else ()
        result = self._marked(s, places)
        if (
            places
            and s[:1] in "{["
            and s[-1:] in "}]"
            and not (len(s) == len(scan.text) and keep_structure(s, scan.spans))
            and not parses(result)
        ):
            return self._by_structure(s, result)
        # What did not fit into this event may fit into another.
        if scan.effort <= scan.budget:
            self.seen.put(s, key, Seen(before - self._effort_left, places))
        return result

    def rest_of(self, s: str, at: int) -> tuple[str, int | None]:
        """The text from `at` on, redacted in the light of what stands before it.

        Returns it, and where a secret begins that the end of the text cuts off.
        """
        text = s if s.isascii() else fold(s)
        low = text.lower()
        scan = self._found(text, low, self._hits(low))
        if scan is None:
            return self.mark("unscanned", "unscanned", s, at), None
        parts: list[str] = []
        done = at
        open_from = None
        for first, last, span in places_in(s, scan):
            if span.is_cut and last >= len(s):
                open_from = first
            if last <= at:
                continue
            begin = max(first, done)
            parts += (s[done:begin], self._marker(s, begin, last, span))
            done = last
        return "".join((*parts, s[done:])), open_from

    def _by_structure(self, s: str, result: str) -> str:
        """A JSON text that the spans broke is redacted as the tree it is, in its own place."""
        try:
            return Document(s).changed(self.structured)
        except NotADocumentError:
            return result  # it was none before

    def structured(self, tree: Any) -> Any:
        """The tree of a JSON text redacted as a tree; who knows structure does better."""
        return tree

    def _found(self, text: str, low: str, hits: list[Hit]) -> Scan | None:
        """The scan of a text with all its spans; None if a detector broke."""
        scan = Scan(text, low)
        size = len(text)
        budget = EFFORT_FREE + (size + 3 * min(size, EFFORT_LONG)) // (4 * EFFORT_PER)
        scan.budget = min(budget, self._effort_left)
        if scan.budget <= 0:
            return None
        try:
            self._read(scan, hits, 0)
            for pattern in self._patterns:
                patterns.search(scan, pattern)
        except Exception:  # noqa: BLE001 - whatever breaks, the text must not pass unread
            return None
        self._effort_left -= scan.effort + TEXT_EFFORT
        if self.off:
            # Detectors that share an anchor are told apart by what they found.
            scan.spans = [span for span in scan.spans if span.rule not in self.off]
        return scan

    def _read(self, scan: Scan, hits: list[Hit], depth: int) -> None:
        """Note what is found in the text without its dress, and in the literals inside it."""
        views = dress.undressed(scan.text)
        inner = scan.inside(views[-1].text, views[-1].text.lower()) if views else scan
        in_view = self._moved(hits, views, inner.low) if views else hits
        shared = None
        if in_view and line_heads.may_share(inner.text):
            shared = line_heads.without_shared(inner.text, anchors.named_places(in_view))
        if shared is not None:
            views.append(shared)
            inner = scan.inside(shared.text, shared.text.lower())
            in_view = self._moved(in_view, [shared], inner.low)
        if (lines := dress.joined(inner.text)) is not None:
            self._read_joined(inner, lines)
        elif not views and not literals.may_have_some(scan.text):  # nearly every text
            if hits:
                self._detect(scan, self._all(hits, scan.low), ())
            return
        inside = literals.literals(inner.text) if depth < literals.DEPTH_MAX else []
        if in_view:
            self._detect(
                inner, self._all(in_view, inner.low), [(one.start, one.end) for one in inside]
            )
        lasts = [last for last, _ in in_view] if inside else []
        for literal in inside:
            is_apart = anchors.are_apart(lasts, literal.start, literal.end)
            if not (is_apart and literal.is_as_plain()):
                self._read_literal(inner, literal, depth)
        scan.effort = inner.effort
        for view in reversed(views):
            inner.spans = [span.moved(*view.back(span.start, span.end)) for span in inner.spans]
        if views and hits:
            inner.spans += self._in_dress(scan, self._all(hits, scan.low), inner.spans)
        scan.spans = inner.spans

    def _read_joined(self, scan: Scan, lines: dress.View) -> None:
        """Note what shows only where a line that goes on below is one line."""
        inner = scan.inside(lines.text, lines.text.lower())
        self._detect(inner, self._all(self._hits(inner.low), inner.low), ())
        scan.effort = inner.effort
        scan.spans += [span.moved(*lines.back(span.start, span.end)) for span in inner.spans]

    def _in_dress(self, scan: Scan, hits: Iterable[Hit], found: list[Span]) -> list[Span]:
        """Tokens that show themselves in the text as it is and are not among those found already.

        What looks like dress may hold the beginning of a token (`ESC [` before `mog_...` ends with
        its `m`) or a whole one (the name of a file). Only these rules: what a name says of a value
        is read without the dress.
        """
        scan.spans = []
        self._detect(scan, hits, (), shown_only=True)
        # Of what was found, in order: where each starts, and how far it and those before reach.
        starts: list[int] = []
        reach: list[int] = []
        for one in sorted(found):
            starts.append(one.start)
            reach.append(max(one.end, reach[-1] if reach else 0))
        return [
            span
            for span in scan.spans
            if (at := bisect_left(starts, span.end)) == 0 or reach[at - 1] <= span.start
        ]

    def _read_literal(self, scan: Scan, literal: literals.Literal, depth: int) -> None:
        said = literal.said()
        text = said if said.isascii() else fold(said)
        low = text.lower()
        hits = self._hits(low)
        if not hits and not dress.hides(text):
            return
        inner = scan.inside(text, low)
        self._read(inner, hits, depth + 1)
        scan.effort = inner.effort
        if inner.spans:
            scan.spans += literals.outside(
                inner.spans, literal, said if len(text) != len(said) else ""
            )

    def _detect(
        self,
        scan: Scan,
        hits: Iterable[Hit],
        elsewhere: Sequence[tuple[int, int]],
        *,
        shown_only: bool = False,
    ) -> None:
        """Look at the hits in the text, but for those that are read `elsewhere`: in literals.

        `shown_only`: and for those whose finds need a word around them to be known.
        """
        # What lies inside the last span is done; what lies between a name and its value is not.
        skip_from = skip = 0
        end = scan.end
        scan.names = self.names
        apart = iter(elsewhere)
        apart_from, apart_to = next(apart, _NOWHERE)
        for last, found in hits:
            for size, look, data in found.shown if shown_only else found.all:
                start = last + 1 - size
                if skip_from <= start < skip:
                    continue
                while start >= apart_to:
                    apart_from, apart_to = next(apart, _NOWHERE)
                if start >= apart_from:
                    continue
                if start >= end:
                    break
                if scan.effort > scan.budget:
                    scan.add(start, end, "unscanned", "unscanned", is_cut=True)
                    return
                before = len(scan.spans)
                done = look(scan, start, last + 1, data)
                if done > skip:
                    skip_from = scan.spans[-1].start if len(scan.spans) > before else start
                    skip = done

    def _marked(self, s: str, places: Sequence[Place]) -> str:
        """The text with its places replaced; itself if there are none."""
        if not places:
            return s
        parts: list[str] = []
        done = 0
        for first, last, span in places:
            parts += (s[done:first], span.quote, self._marker(s, first, last, span), span.quote)
            done = last
        parts.append(s[done:])
        return "".join(parts)

    def _marker(self, s: str, first: int, last: int, span: Span) -> str:
        if span.is_cut:  # half a secret: its fingerprint would match nothing
            return self.mark(span.kind, span.rule, s, first)
        return self.replace(s[first:last], span.kind, span.rule, s, first)
