"""Name and value in text: the notations, what ends a value, and what stays."""

from __future__ import annotations

import json

import pytest

from bridge.redact import Redactor

P = "Kestrel" + "5528x"
T = "dCvviZVwZ84NWfU9" + "jQzR2MO5bKz3et6b"


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        ("PASSWORD=", P, "\nPORT=1"), ("export DB_PASSWORD='", P, "'"), ("password: ", P, "\n  port: 1"), ("password = ", P, " # note"),
        ('{"password":"', P, '","n":1}'), ('{\\"token\\":\\"', T, '\\",\\"n\\":1}'), ('{\\\\\\"token\\\\\\":\\\\\\"', T, '\\\\\\",\\\\\\"n\\\\\\":1}'),
        ("Password=", P, ";User Id=sa;"), ("https://e.com/?page=2&access_token=", T, "&x=1"), ("password%3D", P, "%26x%3D1"),
        ("{&quot;token&quot;:&quot;", T, "&quot;}"), ("<password>", P, "</password><n>1</n>"), ('<add key="Password" value="', P, '"/>'),
        ("<key>password</key>\n<string>", P, "</string>"), ("- name: DB_PASSWORD\n  value: ", P, "\n- name: X"), ("| password | ", P, " |"),
        ("var dbPassword string = \"", P, '"'), ("let token: String = \"", T, '"'), ('public string ApiKey { get; set; } = "', T, '";'),
        ('if ("', P, '" == password) {'), ("if password == '", P, "':"), ("env('DB_PASSWORD', '", P, "')"), ('process.env.TOKEN || "', T, '"'),
        ("${TOKEN:-", T, "}"), ("tool --password ", P, " --verbose"), ("tool --token=", T, " run"), ("The password is ", P, ", do not share it."),
        ("machine h login bot password ", P, "\n"), ("CREATE ROLE a LOGIN PASSWORD '", P, "';\nCOMMIT;"), ("IDENTIFIED BY '", P, "';"),
        ("Authorization: Bearer ", T, "\nAccept: */*"), ("authorization: token ", T, "\n"), ("Cookie: ", f"sid={T}", "\nDNT: 1"),
        ("password: |\n  ", P, "\nport: 1"), ("auth: {user: app, password: ", P, ", tls: true}"), ("requirepass ", P, "\n"),
        ("User(name='a', password='", P, "')"), ("secret：", T, " 完"), ("пароль: ", P, "\n"), ("api key: ", T, " (new)"),
        ("auth=('admin', '", P, "')"), ("jwt.sign(payload, \"", T, '")'), ("credentials: dana / ", P, "\n"), ("PIN: ", "482915", "\n"),
        ("passphrase: ", "nickel indigo pebble quartz", "\nn: 1"), ("mapboxApiKey:\n  '", T, "',"), ("password = r'", P, "'"),
        ("| user | password |\n|---|---|\n| dana | ", P, " |\nend"), ("name,api_key\nx,", T, "\n"), ("INSERT INTO u (name, password) VALUES ('a', '", P, "');"),
        ("API Key\n-------\n", T, "\n"), ("use ", T, " as the token"), ('"', P, '" is the password'), ("<password encrypted=\"no\">", P, "</password>"),
        ("<token><![CDATA[", T, "]]></token>"), ('variable "db_password" {\n  default = "', P, '"\n}'), ("ApiKey[", T, "]"), ("algolia := \"", T, '"'),
    ],
)  # fmt: skip
def test_the_value_goes_and_everything_around_it_stays(
    before: str, secret: str, after: str
) -> None:
    result = Redactor().text(before + secret + after)
    assert secret not in result
    assert result.startswith(before)
    assert result.endswith(after)


@pytest.mark.parametrize(
    "cut",
    [
        f"password={P[:9]}",
        '{"api_key": "' + T[:12],
        '{\\"api_key\\": \\"' + T[:12],
        f"Authorization: Bearer {T[:14]}",
        f"--token {T[:12]}",
    ],
)
def test_a_value_cut_off_at_the_end_goes_and_the_mark_of_the_cut_stays(cut: str) -> None:
    for tail in ("", "\n...[truncated 246 chars]"):
        result = Redactor().text(f"x {cut}{tail}")
        assert T[:12] not in result
        assert P[:9] not in result
        assert result.endswith(tail)


def test_a_bare_number_in_a_json_text_leaves_it_parseable() -> None:
    result = Redactor().text('{"password":60053312,"n":1}')
    assert json.loads(result) == {"password": "[REDACTED:password]", "n": 1}
    nested = json.dumps({"text": '{"pin": 4821}'})
    assert json.loads(json.loads(Redactor().text(nested))["text"]) == {"pin": "[REDACTED:otp]"}
    assert (
        Redactor().text('{"max_tokens":4096,"token_count":12345678901}')
        == '{"max_tokens":4096,"token_count":12345678901}'
    )


def test_a_value_may_hold_the_signs_that_end_other_values() -> None:
    for secret in (
        "h^r6Jic8rTL9!n%W",
        "z5-DR#bAkc#i",
        "Meadow2281$",
        "p@ss,w0rd;x9&y",
        "a'b9Kq2!m",
    ):
        assert secret not in Redactor().text(f"DB_PASSWORD={secret}\nPORT=1")


def test_a_long_bare_value_goes_to_its_end() -> None:
    secret = T * 60
    result = Redactor().text(f"TOKEN={secret} make")
    assert T not in result
    assert result == "TOKEN=[REDACTED:token] make"


@pytest.mark.parametrize(
    "text",
    [
        "token: string", "def login(user, password):", "PASSWORD_RESET_TIMEOUT = 3600", "api_key=os.environ.get(\"API_KEY\")",
        "const { token } = useAuth();", "password = my_api_key_here", "secret: {{ secret }}", "TOKEN=", "second pass: remove duplicates",
        "\"password\": \"Password\"", "Failed password for invalid user admin from 198.51.100.4 port 57512 ssh2", "cache key: node-linux-0a1b2c3d4e5f",
        "export TOKEN=\"$(cat /run/token)\"", "-H \"Authorization: Bearer $API_KEY\"", "getpass(prompt: str = \"Password: \", stream=None)",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-x1Yz9Q", "def f(token: Token) -> AutoEscapeNode2: ...", "usage: input_tokens=18021",
        "password = saved_value", "if t == token.NEWLINE:\n    node.children[-1].remove()", "user, password = 'a', 'b'", "password: _PasswordType | None = None",
        "pass `v8::Isolate::GetCurrent` to it", "publicKeyToken=\"1fc8b3b9a1e18e3b\"", "api_key: <TOKEN>", "Unexpected token '<' in JSON", "key: value", "sortKey: 'created_at'", "etag: W/\"x1Yz9Q\"",
    ],
)  # fmt: skip
def test_ordinary_text_stays_whole(text: str) -> None:
    assert Redactor().text(text) == text


def test_a_list_with_an_item_a_line_is_no_table() -> None:
    """`"pass",` above arguments was read as the heading of their column."""
    text = 'args=[\n    "pass",\n],\nstdout=stdout,\nclean_exit=True,\n'
    assert Redactor().text(text) == text
