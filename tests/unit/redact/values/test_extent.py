"""A value is replaced whole, up to 32 KiB: no tail is left, and what follows stays."""

from __future__ import annotations

import base64
import random
import string

from bridge.redact import Redactor
from bridge.redact.values.extent import LINE_MAX, line_end
from tests.cases import each_case

REDACTOR = Redactor()
ALNUM = string.ascii_letters + string.digits
JOSE = base64.urlsafe_b64encode(b'{"alg":"RS256","typ":"JWT"}').decode().rstrip("=")


def chance(size: int) -> str:
    return "".join(random.Random(size).choices(ALNUM, k=size))


def encoded(size: int) -> str:
    return base64.b64encode(f"user:{chance(size * 3 // 4 - 5)}".encode()).decode()


FORMS = {
    "Negotiate": ("Authorization: Negotiate ", chance, ""), "NTLM": ("Authorization: NTLM ", chance, ""), "DPoP": ("Authorization: DPoP ", chance, ""),
    "Splunk": ("Authorization: Splunk ", chance, ""), "GenieKey": ("Authorization: GenieKey ", chance, ""), "a scheme nobody knows": ("Authorization: Acme-V2 ", chance, ""),
    "no scheme": ("Authorization: ", chance, ""), "proxy": ("Proxy-Authorization: Custom ", chance, ""), "in a command": ("curl -H 'Authorization: Vendor ", chance, "' https://e.com"),
    "Bearer": ("sent Bearer ", chance, ""), "Basic": ("sent Basic ", encoded, ""), "Cookie": ("Cookie: sid=", chance, ""), "Set-Cookie": ("Set-Cookie: sid=", chance, ""),
    "web token": ("see ", lambda n: f"{JOSE}.{chance(n * 3 // 4)}.{chance(n // 4)}", ""), "variable": ("API_TOKEN=", chance, ""), "quoted": ('api_token = "', chance, '"'),
    "password": ("password: ", chance, ""), "Kubernetes": ("kind: Secret\ndata:\n  thing: ", encoded, ""), "provider": ("see ghs_12345_", lambda n: f"{JOSE}.{chance(n)}.{chance(40)}", ""),
}  # fmt: skip


@each_case("size", [40, 255, 300, 1_100, 5_000, 9_000, 20_000, 31_000])
@each_case("form", FORMS)
def test_no_tail_of_a_value_is_left(form: str, size: int) -> None:
    before, make, after = FORMS[form]
    secret = make(size)
    result = REDACTOR.text(f"start\n{before}{secret}{after}\nmore text here")
    left = [at for at in range(0, len(secret) - 16, 5) if secret[at : at + 16] in result]
    assert not left, (left[:3], result[:200])
    assert result.startswith("start\n")
    assert result.endswith(f"{after}\nmore text here")
    assert len(result) < len(before) + len(after) + 80


def test_what_looks_like_a_parameter_in_a_long_value_goes_with_it() -> None:
    """Only in a query another parameter follows: elsewhere it is the tail of the secret."""
    head, tail = chance(300), chance(40)
    for before in ("password=", "token: ", "secret ", "Authorization: Custom "):
        assert tail not in REDACTOR.text(f"{before}{head}&room={tail}")
    for before in ("/ws?access_token=", "/ws?a=b&access_token=", "https://a.example/#id_token="):
        assert REDACTOR.text(f"{before}{head}&room=lobby 1").endswith("]&room=lobby 1")


def test_a_line_of_a_megabyte_is_not_read_to_its_end_for_each_hit() -> None:
    text = "|token" * 200_000
    assert line_end(text, 12, len(text)) == 12 + LINE_MAX
    assert line_end(text + "\n", len(text) - 9, len(text) + 1) == len(text)
    assert line_end(text, len(text) - 9, len(text)) == len(text)
