"""Name and value in text: the notations, what ends a value, and what stays."""

from __future__ import annotations

import json

import pytest

from bridge.redact import Redactor
from tests.cases import each_case

P = "Kestrel" + "5528x"
T = "dCvviZVwZ84NWfU9" + "jQzR2MO5bKz3et6b"


@each_case(
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
        ("local token = [[", T, "]]"), ("my $password = q{", P, "};"), ("password = %q(", P, ")"), ("password: ~s(", P, ")"),
        ('let password = r#"', P, '"#;'), ('let password = #"', P, '"#'), ("auth=('admin', '", P, "')"), ("jwt.sign(payload, \"", T, '")'), ("credentials: dana / ", P, "\n"), ("PIN: ", "482915", "\n"),
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


@each_case(
    "text",
    [
        "tokens = [[1, 2], [3, 4]]", "password = %{count: 1}", "password: %s(x)", "secret: [[ $x ]]",
        "password = q(question)", "token = [[wiki link]]", "password: %(password)s",
    ],
)  # fmt: skip
def test_brackets_that_open_no_literal_stay(text: str) -> None:
    assert Redactor().text(text) == text


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


@each_case(
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


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        ("password=", "&x7Kd92LmQ", ""), ("--password=", "&Kd92LmQx", " run"), ("mysql password=", "(x9kLmQ2pR4", "\n"),
        ("token: (", "x9kLmQ2pR4vB7nZ", ")"), ("password=", "&x7Kd92LmQ", "\nPORT=1"),
    ],
)  # fmt: skip
def test_a_generated_value_that_begins_with_a_sign_of_code_is_no_code(
    before: str, secret: str, after: str
) -> None:
    result = Redactor().text(before + secret + after)
    assert secret not in result
    assert result.startswith(before + "[REDACTED:")
    assert result.endswith(after)


@pytest.mark.parametrize(
    "text",
    [
        "changed password from hunter2-Xk9 to Tr0ub4dor&3 today", "rotated the API key from 8fj2kd92kdl1ms0a to zx81mdk2ls92kd0q.",
        "Passwort wurde von Alt3sPw! auf N3uesPw! geändert", "the secret was changed from 'a8Kd92kD1s' to 'b8Kd92kD1s'",
        "reset the password for dana from Kestrel5528x to Plover7719y",
    ],
)  # fmt: skip
def test_the_old_and_the_new_value_of_a_change_are_both_secret(text: str) -> None:
    result = Redactor().text(text)
    assert result.count("[REDACTED:") == 2
    assert not any(
        word in result for word in ("hunter2", "Tr0ub", "8fj2", "zx81", "3sPw", "3uesPw")
    )
    assert not any(word in result for word in ("8Kd92", "Kestrel", "Plover"))


@pytest.mark.parametrize(
    "text",
    [
        "login?password=&user=x2", "f(password=(user2))", "token=(a1 or b2)", "auth_token = &Token2{}", "c_password=&buf2Password[0]",
        "password = (sha256sum x)", "moved the password from vault1 to vault2", "rotated the token from staging-db2 to prod-db3",
        "changed the API key from v1beta2 to v2beta3", "changed secret from my-secret-v3 to my-secret-v4",
        "switched token from GITHUB_TOKEN to GH_PAT_2024", "updated password from config to environment",
    ],
)  # fmt: skip
def test_code_behind_a_sign_and_names_of_places_stay(text: str) -> None:
    assert Redactor().text(text) == text


def test_words_of_a_sentence_before_a_name_are_no_names_beside_it() -> None:
    """`refreshing, refresh_token='x'` was read as two names with one value."""
    assert T not in Redactor().text(
        f"[DEBUG] refreshing, refresh_token='{T}'\n[INFO] synced 2 rows"
    )
    assert T not in Redactor().text(f'retrying, api_key = "{T}"')
    kept = f'name, SECRET = "dev", "{T}"'
    assert Redactor().text(kept) == kept.replace(T, "[REDACTED:secret]")


def test_an_address_of_a_chain_is_no_token() -> None:
    text = '{"token": "0x57a51b5637c9e769cc03ac8a6962545de0b17d59", "amount": "12"}'
    assert Redactor().text(text) == text
    assert Redactor().event({"id": "e", "type": "log", "token": "0x" + "aB3" * 13 + "c"})["token"]
    key = "0x" + "57a51b5637c9e769cc03ac8a6962545d" * 2
    assert key not in Redactor().text(f"token: {key}")


def test_the_prefix_of_a_job_with_a_stroke_hides_nothing() -> None:
    lines = ["env:", "  - name: APP_SECRET", f"    value: {T}"]
    text = "\n".join(f"[build/test]   | {line}" for line in lines)
    assert T not in Redactor().text(text)


def test_backup_codes_below_a_heading_of_several_words_go() -> None:
    text = "Recovery codes for the npm account:\n0a62x-i06yw\ncc2xg-edt9b\n7x818-aymr5"
    result = Redactor().text(text)
    assert not any(code in result for code in ("0a62x", "cc2xg", "7x818"))
    kept = "Recovery codes for the new account: see the page on recovery"
    assert Redactor().text(kept) == kept
