"""Cells of HTML and of drawn tables, leaders of dots, parts of forms, dialogues that are scripted."""

from __future__ import annotations

from bridge.redact import Redactor
from tests.cases import each_case

P = "Lupin-Quarry" + "8145"
K = "wR7kd92LmQ" + "x4Tz8nVb3cYq5sHd"

HOLD = [
    "┌────────┬──────────┐\n│ Service │ Password │\n├────────┼──────────┤\n│ web │ {p} │\n└────────┴──────────┘",
    "│ service │ erp\n│ password │ {p}\n│ port │ 5432",
    "║ User ║ API key ║\n╠══════╬═════════╣\n║ ci ║ {k} ║",
    "┃ password ┃ {p} ┃",
    "<tr><th>User</th><th>Password</th></tr>\n<tr><td>root</td><td>{p}</td></tr>",
    '<tr><th>User</th><th class="x">API key</th><th>Host</th></tr><tr><td>root</td><td>{k}</td><td>h</td></tr>',
    "<tr><td>Password</td><td>{p}</td></tr>",
    "<tr><th>API key</th><td><code>{k}</code></td></tr>",
    "<dt>Secret</dt>\n  <dd><code>{k}</code></dd>",
    "<li><b>Password:</b> {p}</li>",
    "<p>Password: <code>{p}</code></p>",
    "<label>Password</label> <span>{p}</span>",
    "Username ........ admin\nPassword ........ {p}\nPort ............ 8443",
    "API key...........: {k}\n",
    "Password . . . . . : {p}",
    "Secret ················ {k}",
    "||User||Password||\n|dana|{p}|",
    'array(2) {{\n  ["password"]=>\n  string(16) "{p}"\n}}',
    'Content-Disposition: form-data; name="password"\n\n{p}\n------X',
    'Content-Disposition: form-data; name="api_key"\nContent-Type: text/plain\n\n{k}\n--X--',
    "#0 /srv/db.php(12): PDO->__construct('mysql:host=db1;d...', 'shop', '{p}')",
    "my $dbh = DBI->connect(\"dbi:Pg:dbname=shop\", 'shop', '{p}');",
    'spawn ssh ops@h\nexpect "assword:"\nsend "{p}\\r"\ninteract',
    "child.expect('assword:')\nchild.sendline('{p}')",
    'new NetworkCredential("svc", "{p}")',
    "request(app).get('/').auth('dana', '{p}')",
    "ldap_bind($ds, 'cn=admin,dc=x', '{p}')",
    "UPDATE settings SET value = '{k}' WHERE name = 'stripe_secret';",
    'update config set v="{p}" where k="smtp_password"',
    "Reset your password: https://acme.example/reset?token={k}",
]
HARMLESS = r"""│ password │ required │
│ password │ Minimum 8 characters │
├── secrets\n│   ├── token22.txt\n│   └── Key33b.pem
<th>Password</th><th>Updated2024Q3</th>
<tr><th>Password</th><th>Host</th></tr>\n<tr><td>yes</td><td>web-Node22a</td></tr>
<label>Password</label> <span>Required</span>
<td>password</td><td>VARCHAR(255)</td>
Password ........ ok\nUsername ........ Dana2207x
test_password ......... PASSED
tests/test_token.py ........ [22%]
test_reset_token ....... Passed2
Content-Disposition: form-data; name="file"; filename="Pass22w.txt"\n\nHello22World
Content-Disposition: form-data; name="username"\n\nDana2207x
PDO->__construct('mysql:host=db1;dbname=Shop22x', 'shop', Object(SensitiveParameterValue))
DBI->connect($dsn, $user, $pass)
expect "login:"\nsend "Dana2207x\r"
.auth('dana', process.env.PASS)
new NetworkCredential(user, pass)
Reset your password: https://acme.example/reset?lang=de""".replace("\\n", "\n").split("\n")


@each_case("text", HOLD)
def test_a_value_that_markup_ties_to_its_name_goes(text: str) -> None:
    redactor = Redactor()
    whole = text.format(p=P, k=K)
    result = redactor.text(whole)
    assert P not in result
    assert K not in result
    before, after = whole.split(P if P in whole else K)
    assert result.startswith(before)
    assert result.endswith(after)
    assert redactor.text(result) == result


@each_case("text", HARMLESS)
def test_what_markup_says_of_a_name_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_a_url_in_a_member_keeps_its_host() -> None:
    event = {"input": {"dsn": f"postgres://ro:{P}@db1/shop"}}
    assert Redactor().value(event)["input"]["dsn"].endswith("@db1/shop")
