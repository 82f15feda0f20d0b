"""Passwords of people that are words: said in a sentence, without a digit or a sign.

Only where a sentence says outright that a word is the password, and the word is none that is said
of passwords: `the password is hunter`, not `the password is wrong`.
"""

# ruff: noqa: E501 - a table of words

from __future__ import annotations

from typing import Final

from bridge.redact.expressions import lazy
from bridge.redact.names.words import STOP, UI, WORD_VALUES

WORD_MIN: Final = 6  # letters; shorter words are mostly grammar
WORD_MAX: Final = 32

# Words that lists of the commonest passwords have and software has no use for beside `password`.
_COMMON: Final = frozenset(
    """letmein hunter dragon dragonfly sunshine iloveyou trustno trustnoone princess football
    baseball basketball superman batman mustang starwars swordfish opensesame abracadabra
    correcthorse correcthorsebatterystaple qwertyuiop asdfghjkl zxcvbnm monkeybars moonlight
    butterfly chocolate liverpool chelsea arsenal pokemon naruto charlie michael jordan jennifer
    ashley jessica daniel thomas nicole corvette ferrari mercedes harley yankees cowboys dolphins
    steelers lakers raiders snoopy cookiemonster bubbles peanut ginger pepper buster maggie
    whiskey phoenix matrixreloaded killer""".split()
)
# What is said of a password: adjectives, participles without `-ed`, places, kinds.
_SAID_OF: Final = frozenset(
    """strong weak longer shorter stronger weaker shared common unique simple complex secure
    insecure unsafe public visible invisible random static dynamic constant correct incorrect wrong
    right valid invalid empty blank absent present missing unknown known hidden broken stolen
    leaked lost found forgotten given taken written shown sent kept hashed salted changed unchanged
    chosen stored optional mandatory necessary needed compulsory identical different equal similar
    sensitive confidential private secret important irrelevant harmless useless meaningless obsolete
    outdated ancient recent another nothing something anything everything nowhere somewhere
    everywhere inside outside elsewhere below beside between behind before therefore however
    instead together forever already almost always sometimes usually currently temporary permanent
    initial default standard custom generic specific guessable readable plaintext cleartext ciphertext
    garbage gibberish rubbish redundant transient ephemeral persistent rotating never really actually
    itself myself yourself himself herself themselves likely unlikely certain uncertain obvious
    required unneeded enough sufficient insufficient intact safely unsafe online offline overdue
    compliant noncompliant numeric alphanumeric ascii unicode binary encrypted undefined nullable
    writable mutable immutable single double multiple several correctly someone nobody anybody
    everybody whoever whatever username database directory keyring keystore keychain clipboard
    hardcoded hardwired unset optional autofill impossible possible trivial nontrivial ignored
    matching nonempty immaterial problem question mystery pending reserved forbidden special
    popular crucial critical essential fundamental central internal external global ordinary regular normal
    falsch richtig korrekt leer abgelaufen vergessen verloren erforderlich notwendig geheim sicher
    schwach gespeichert incorrecta incorrecto invalida obligatoria obligatorio caducada errata
    scaduta sbagliata obbligatoria incorrecte invalide obligatoire onjuist verkeerd verplicht
    ongeldig felaktigt ugyldig forkert incorreta obrigatoria expirada nieprawidlowe wymagane
    abnormal unusual typical stupid terrible horrible awesome amazing wonderful crackable breakable""".split()
)
_ENDINGS: Final = lazy(
    r"(?:ed|ing|ly|able|ible|ful|less|ous|ive|ical|ary|ory|ness|tion|sion|ment|ance|ence|ised|ized|like|wise|proof|al|ular|ent|ant|ic)\Z"
)


def is_common_password(word: str) -> bool:
    """Is it one of the words that many people take, and nobody says of a password?"""
    return word.lower() in _COMMON


def is_said_to_be(word: str) -> bool:
    """May the word behind `the password is` be the password itself?"""
    low = word.lower()
    if low in _COMMON:
        return True
    if not (WORD_MIN <= len(low) <= WORD_MAX and low.isascii() and low.isalpha()):
        return False
    if low in _SAID_OF or low in WORD_VALUES or low in STOP or low in UI:
        return False
    return _ENDINGS().search(low) is None
