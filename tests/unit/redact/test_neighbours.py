"""The second secret of a line: cookies behind the first, the new value of a plan, parts of a literal."""

from __future__ import annotations

from bridge.redact import Redactor
from tests.cases import each_case

A = "hV3kTq8LmZ" + "x2Wn5Rj7"
B = "pD6sYc4NbG" + "u9Ka1Ve3"
U = "6d1f0c3a-52b7-4e88-8f0d" + "-b7a94c2e1d35"


@each_case(
    ("before", "after"),
    [
        (f"Cookie: theme=dark; sid={A}; lang=de", "Cookie: theme=dark; sid=[REDACTED:cookie]; lang=de"),
        (f"Cookie: lang=de; sid={'4bf776a9' * 2}b63ecd58a0298406; theme=dark", "Cookie: lang=de; sid=[REDACTED:cookie]; theme=dark"),
        (f'await login("admin", "{A}")', 'await login("admin", "[REDACTED:secret]")'),
        (f"Cookie: SID=4711; cart=3; HSID={A}", "Cookie: SID=[REDACTED:cookie]; cart=3; HSID=[REDACTED:cookie]"),
        (f'{{"Cookie": "lang=nb; sid={A}"}}', '{"Cookie": "lang=nb; sid=[REDACTED:cookie]"}'),
        (f"cookies: 'lang=nb; sid={A}; theme=dark'", "cookies: 'lang=nb; sid=[REDACTED:cookie]; theme=dark'"),
        (f"http:\n  cookie: {A}\n", "http:\n  cookie: [REDACTED:cookie]\n"),
        (f"Set-Cookie: sid={A}; Path=/; HttpOnly", "Set-Cookie: sid=[REDACTED:cookie]; Path=/; HttpOnly"),
        (f"curl -sb 'theme=dark; sid={A}' https://x", "curl -sb 'theme=dark; sid=[REDACTED:cookie]' https://x"),
        (f'~ password = "{A}" -> "{B}"', '~ password = "[REDACTED:password]" -> "[REDACTED:password]"'),
        (f'token = "{A}" + "{B}"', 'token = "[REDACTED:token]" + "[REDACTED:token]"'),
        (f'KEY, SECRET = "x1", "{B}"', 'KEY, SECRET = "x1", "[REDACTED:secret]"'),
        (f"https://oauth2:{A}{B}@git.example/a", "https://oauth2:[REDACTED:url-credential]@git.example/a"),
        (f"https://x-access-token:{A}{B}@git.example/a'", "https://x-access-token:[REDACTED:url-credential]@git.example/a'"),
        (f"vault write auth/approle/login role_id={U[::-1]} secret_id={U}", f"vault write auth/approle/login role_id={U[::-1]} secret_id=[REDACTED:secret]"),
        (f"ACL SETUSER w on >{A} ~jobs:* +@all", "ACL SETUSER w on >[REDACTED:password] ~jobs:* +@all"),
        (f"az devops login <<< {A}", "az devops login <<< [REDACTED:password]"),
        (f'sql.Open("mysql", "app:{A}@tcp(db:3306)/shop")', 'sql.Open("mysql", "app:[REDACTED:url-credential]@tcp(db:3306)/shop")'),
        (f'.header("Authorization", "Basic {A}")', '.header("Authorization", "Basic [REDACTED:authorization]")'),
        (f'{{"password":"x9\\"{A}","n":1}}', '{"password":"[REDACTED:password]","n":1}'),
        (f"api_keys:\n  maps: {A}\n  checksum: {B}\n", f"api_keys:\n  maps: [REDACTED:api-key]\n  checksum: {B}\n"),
        (f'{{"db_password":{{"sensitive":true,"value":"{A}"}}}}', '{"db_password":{"sensitive":true,"value":"[REDACTED:password]"}}'),
        (f'{{"Name":"/prod/db/password","Type":"SecureString","Value":"{A}"}}', '{"Name":"/prod/db/password","Type":"SecureString","Value":"[REDACTED:password]"}'),
        (f'["password"]=> string(16) "{A}"', '["password"]=> string(16) "[REDACTED:password]"'),
        (f'set-cookie: ["sid={A}; Path=/"]', 'set-cookie: ["sid=[REDACTED:cookie]; Path=/"]'),
        (f"http://{A}{B}:@proxy.example:8011", "http://[REDACTED:url-credential]:@proxy.example:8011"),
        (f'name, token = "alice", "{A}"', 'name, token = "alice", "[REDACTED:token]"'),
        (f'Dim password As String = "{A}"', 'Dim password As String = "[REDACTED:password]"'),
        (f'password: str = Field(default="{A}")', 'password: str = Field(default="[REDACTED:password]")'),
        (f"page.fill('input[name=password]', '{A}')", "page.fill('input[name=password]', '[REDACTED:password]')"),
        (f'b.WithPassword("{A}").Build()', 'b.WithPassword("[REDACTED:password]").Build()'),
        (f'curl_setopt($ch, CURLOPT_USERPWD, "billing:{A}");', 'curl_setopt($ch, CURLOPT_USERPWD, "billing:[REDACTED:password]");'),
        (f"<td>password=&#x27;{A}&#x27;</td>", "<td>password=&#x27;[REDACTED:password]&#x27;</td>"),
        (f"payload=%7B%22password%22%3A%20%22{A}%22%7D", "payload=%7B%22password%22%3A%20%22[REDACTED:password]%22%7D"),
        (f"ALTER ROLE a WITH PASSWORD ''{A}'' LOGIN", "ALTER ROLE a WITH PASSWORD ''[REDACTED:password]'' LOGIN"),
        (f'curl_setopt($ch, CURLOPT_USERPWD, "{A}");', 'curl_setopt($ch, CURLOPT_USERPWD, "[REDACTED:password]");'),
        (f"<param-name>password</param-name><param-value>{A}</param-value>", "<param-name>password</param-name><param-value>[REDACTED:password]</param-value>"),
        (f"JSESSIONID={A}", "JSESSIONID=[REDACTED:cookie]"),
        (f"expect(token).toBe('{A}')", "expect(token).toBe('[REDACTED:token]')"),
        (f"{{ token: () => '{A}' }}", "{ token: () => '[REDACTED:token]' }"),
        (f"The credentials are ci/{A}", "The credentials are ci/[REDACTED:password]"),
    ],
)  # fmt: skip
def test_all_of_it_goes_and_what_is_beside_it_stays(before: str, after: str) -> None:
    redactor = Redactor()
    result = redactor.text(before)
    assert result == after
    assert redactor.text(result) == result


@each_case(
    "text",
    [
        f"secret_id_accessor: {U}", f"session_id={U}", f"checksum/secret: {'0a1b2c3d' * 8}",
        "Cookie: sid=${SID}; theme=dark", "Cookie: session=<your-session>; lang=de", "curl -b 'session=$SESSION; lang=de' https://x", "Cookie: theme=dark; cart=3",
        "aws secretsmanager get-secret-value --secret-id prod/db/password", "set -o vi; echo on >out2.log",
        'allow: ["Authorization", "Content-Type"]', 'h.Set("Authorization", "Bearer "+token)',
        'name, token = "alice", None', '{"token":"hello","logprob":-0.12}', "NAME  CREATED\ndb-password  2026-01-01T10:00:00",
        "page.fill('input[name=city]', 'Bern3012x')", 'password: str = Field(default="", min_length=8)', 'auth.withToken("header")',
        'secret_id = "prod-db-password-2026"',
        "cat <<< hello-world-2026", 'expect(token).toBe("ident")', 'const [token, kind] = ["ident", "number"];',
        'curl -b "theme=dark" https://x', "curl -b cookies.txt https://x",
    ],
)  # fmt: skip
def test_look_alikes_stay(text: str) -> None:
    assert Redactor().text(text) == text


def test_upstreams_mark_stays_whole_behind_a_cut_key() -> None:
    head = "-----BEGIN EC PRIVATE" + " KEY-----"
    text = f'{{"out":"{head}\\n{A}{B}{A}{B}\\n...[truncated 812 chars]"}}'
    assert Redactor().text(text).endswith('\\n...[truncated 812 chars]"}')


def test_a_stored_secret_may_be_named() -> None:
    stored = {"payload": {"secret_id": "prod-db-password-2026", "secretIdAccessor": U}}
    assert Redactor().event(stored) == stored
    issued = {"payload": {"secret_id": U}}
    assert Redactor().event(issued) == {"payload": {"secret_id": "[REDACTED:secret]"}}


def test_a_unit_of_a_models_text_is_no_token() -> None:
    usage = {"payload": {"top": [{"token": "hello", "logprob": -0.12}]}}
    assert Redactor().event(usage) == usage
