"""Keys of wallets: phrases of twelve to twenty-four words, private keys in lists and calls."""

# ruff: noqa: E501 - a row of a table is read on one line

from __future__ import annotations

from typing import Final

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.expressions import Lazy, lazy
from bridge.redact.names.words import STOP
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan

WORDS_LEAST: Final = 12  # of a phrase (BIP 39: 12, 15, 18, 21 or 24)
LOOK: Final = 120  # characters behind a heading in which a phrase begins
LIST_MAX: Final = 40  # keys of one list

# Words of BIP 39 have three to eight small letters; a sentence has shorter ones.
_WORD = r"[a-z]{3,8}"
_BETWEEN = r"(?:[ \t\r\n,|\"'`*]|\\n){1,12}(?:\d{1,2}[.):]?[ \t]{0,4})?"
_PHRASE = lazy(rf"(?<![A-Za-z]){_WORD}(?:{_BETWEEN}{_WORD}(?![A-Za-z])){{{WORDS_LEAST - 1},24}}")

_ONE_WORD = lazy(r"(?<![a-z])[a-z]{3,8}(?![a-z])")
_SIZES: Final = frozenset((12, 15, 18, 21, 24))  # words of a phrase (BIP 39)

PHRASES: Final = (
    "mnemonic", "seed phrase", "seedphrase", "seed_phrase", "recovery phrase", "recoveryphrase", "recovery_phrase", "recovery words", "seed words",
    "secret phrase", "backup phrase", "wallet seed", "secret words", "fromphrase(", "bip39", "secret recovery",
)  # fmt: skip


def phrase(scan: Scan, _start: int, end: int, _data: object) -> int:
    """The words behind a heading, a name or the name of a call."""
    text = scan.text
    scan.effort += 1
    found = _PHRASE().search(text, end, min(scan.end, end + LOOK + 400))
    if found is None or found.start() > end + LOOK:
        return 0
    start, stop = found.start(), _phrase_end(text, found.start(), found.end())
    return scan.add(start, stop, "passphrase", ASSIGNMENT.id, is_cut=stop >= scan.end)


def _phrase_end(text: str, start: int, stop: int) -> int:
    """Where a phrase ends if words of another line or sentence were taken for its own.

    Only where something other than blanks parts them, and only if what is left has the size of a
    phrase and the whole has not.
    """
    ends = [word.end() for word in _ONE_WORD().finditer(text, start, stop)]
    if len(ends) in _SIZES:
        return stop
    for size in sorted(_SIZES, reverse=True):
        if (
            size < len(ends)
            and text[ends[size - 1] : stop].lstrip(" ")[:1] not in "abcdefghijklmnopqrstuvwxyz"
        ):
            return ends[size - 1]
    return stop


_LIST = lazy(r"\\{0,7}[\"']?\s{0,4}[:=]\s{0,4}\[\s{0,40}")
_ITEM = lazy(
    r"\\{0,7}[\"'`](?P<key>(?:0x)?[0-9a-fA-F]{64})\\{0,7}[\"'`][\s,]{0,60}(?:\\n[\s,]{0,40})?"
)


def accounts(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`accounts: ["0x..."]`, as Hardhat is told the keys it signs with."""
    head = _LIST().match(scan.text, end, scan.end)
    if head is None:
        return 0
    at, done = head.end(), 0
    for _ in range(LIST_MAX):
        item = _ITEM().match(scan.text, at, scan.end)
        if item is None:
            break
        scan.effort += 2
        done = scan.add(*item.span("key"), "private-key", ASSIGNMENT.id)
        at = item.end()
    return done


_KEY = lazy(
    r"\s{0,4}\\{0,7}[\"'`](?P<key>(?:0x)?[0-9a-fA-F]{64}|[1-9A-HJ-NP-Za-km-z]{80,90})\\{0,7}[\"'`]"
)


def key_in_call(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`new Wallet("0x...")`: the first argument is a key."""
    found = _KEY().match(scan.text, end, scan.end)
    return scan.add(*found.span("key"), "private-key", ASSIGNMENT.id) if found is not None else 0


_MORE = lazy(r"\s{0,4}\(\d{1,2}\)\s{1,4}(?P<key>0x[0-9a-fA-F]{64})")


def listed_keys(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`Private Keys` and a numbered list below it, as Ganache prints them."""
    text = scan.text
    line = text.find("\n", end, min(scan.end, end + 40))
    if line < 0:
        return 0
    at = line + 1
    done = 0
    if text.startswith(("=", "-"), at):
        at = text.find("\n", at, min(scan.end, at + 80)) + 1 or scan.end
    for _ in range(LIST_MAX):
        item = _MORE().match(text, at, scan.end)
        if item is None:
            break
        scan.effort += 2
        done = scan.add(*item.span("key"), "private-key", ASSIGNMENT.id)
        at = item.end() + 1
    return done


# Headings that say less: the phrase follows at once, and is no sentence.
WEAK_HEADINGS: Final = (
    "seed:",
    "seed=",
    "words:",
    "12 words",
    "15 words",
    "18 words",
    "24 words",
    "twelve words",
    "words are",
    "write these down",
    "write down these",
)


_ARE = lazy(r"(?:[ ](?:are|were|is))?")


def plain_phrase(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`Seed:` and twelve words or more, few of them words of grammar."""
    text = scan.text
    scan.effort += 3
    end = _ARE().match(text, end, scan.end).end()  # type: ignore[union-attr]
    found = _PHRASE().search(text, end, min(scan.end, end + 24 + 400))
    if (
        found is None
        or found.start() > end + 24
        or sum(word in STOP for word in found.group().split()) > 1
    ):
        return 0
    scan.effort += 1
    return scan.add(*found.span(), "passphrase", ASSIGNMENT.id, is_cut=found.end() >= scan.end)


# Word -> a key of whose form there are too many others to look for it alone.
NEAR_KEYS: Final[dict[str, Lazy]] = {
    **dict.fromkeys(("stellar", "soroban", "secret seed", "xlm"), lazy(r"(?<![A-Z0-9])S[A-Z2-7]{55}(?![A-Z0-9])")),
    **dict.fromkeys(("xrp", "ripple", "xrpl", "family seed", "rippled"), lazy(r"(?<![A-Za-z0-9])s(?:[1-9A-HJ-NP-Za-km-z]{28}|Ed[1-9A-HJ-NP-Za-km-z]{28})(?![A-Za-z0-9])")),
    **dict.fromkeys(("bitcoin", "wif", "litecoin", "dogecoin"), lazy(r"(?<![A-Za-z0-9])[5KLTQ6][1-9A-HJ-NP-Za-km-z]{50,51}(?![A-Za-z0-9])")),
    "discord": lazy(r"(?<![\w-])[MNO][A-Za-z0-9_-]{22,30}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![\w-])"),
}  # fmt: skip


def near_key(scan: Scan, start: int, end: int, data: Lazy) -> int:
    """A key in the words around the name of what it is for."""
    scan.effort += 1
    found = data().search(scan.text, max(0, start - 110), min(scan.end, end + 140))
    if found is None or not any(char.isdigit() for char in found.group()):
        return 0
    scan.add(*found.span(), "private-key" if len(found.group()) < 59 else "token", ASSIGNMENT.id)
    return max(end, found.end())


PLAIN_PHRASES = Detector(
    name="plain-phrases",
    rule=ASSIGNMENT,
    literals=literals(*WEAK_HEADINGS),
    look=plain_phrase,
    finds=(
        "Seed: ⟦abandon ability about above absent absorb abstract absurd abuse access accident account⟧",
    ),
    leaves=(
        "seed: 42",
        "words: the quick brown fox jumps over the lazy dog and then runs away home again",
    ),
)
KEYS_NEAR = Detector(
    name="keys-near-their-name",
    rule=ASSIGNMENT,
    literals=NEAR_KEYS,
    look=near_key,
    finds=("XRP seed: ⟦sn3nxiW7v8KXzPzAqzyHXbSSKNuN9⟧", "⟦MTA{a22}.{w6}.{w30}⟧ is the Discord bot"),
    leaves=("stellar: a crate of stars", "the xrp ledger has 80000000 accounts"),
)
MNEMONICS = Detector(
    name="mnemonics",
    rule=ASSIGNMENT,
    literals=literals(*PHRASES),
    look=phrase,
    finds=(
        "Seed phrase:\n⟦abandon ability about above absent absorb abstract absurd abuse access accident account⟧",
        'Wallet.fromMnemonic("⟦zoo zone youth young you year yard wrong write world work word⟧")',
    ),
    leaves=(
        "the mnemonic is a list of words that you should keep in a safe place and never show to anybody",
    ),
)
WALLET_ACCOUNTS = Detector(
    name="wallet-accounts",
    rule=ASSIGNMENT,
    literals=literals("accounts"),
    look=accounts,
    finds=('accounts: ["⟦0x{h64}⟧", "⟦0x{h64}⟧"]',),
    leaves=('accounts: ["0x⟨h40⟩"]', "accounts: [a, b]"),
)
WALLET_CALLS = Detector(
    name="wallet-calls",
    rule=ASSIGNMENT,
    literals=literals(
        "wallet(",
        "privatekeytoaccount(",
        "privatekeytoaddress(",
        "account.from_key(",
        "keypair.fromsecretkey(",
        "signingkey(",
        "importrawkey(",
    ),
    look=key_in_call,
    finds=('new ethers.Wallet("⟦0x{h64}⟧", provider)',),
    leaves=("new ethers.Wallet(process.env.KEY, provider)", 'getWallet("0x⟨h40⟩")'),
)
WALLET_LISTS = Detector(
    name="wallet-lists",
    rule=ASSIGNMENT,
    literals=literals("private keys"),
    look=listed_keys,
    finds=("Private Keys\n==================\n(0) ⟦0x{h64}⟧\n(1) ⟦0x{h64}⟧\n",),
    leaves=("Private Keys\n==================\nnone\n",),
)
