"""Literals of calls: which of them is the secret, and which only stands beside it."""

from __future__ import annotations

import json

import pytest

from bridge.redact import Redactor
from tests.cases import each_case

T = "rYq1qYRCJMjueWFQ1DpU" + "xBH50nGzvFDL"
P = "meadow" + "Willow3716"
ACCOUNT = "AC" + "0123456789abcdef" * 2


@each_case(
    ("code", "gone", "kept"),
    [
        (f'hmac.new(b"{T}", body, sha256)', T, "body"),
        (f"createHmac('sha256', '{T}')", T, "sha256"),
        (f'jwt.encode({{"sub": "1"}}, "{T}", algorithm="HS256")', T, "HS256"),
        (f'app.use(cookieParser("{T}"));', T, "cookieParser"),
        (f'smtp.login("bob@example.com", "{P}")', P, "bob@example.com"),
        (f'pymysql.connect("db1", "root", "{P}", "orders")', P, "orders"),
        (f'FTP("ftp.example.com", "carol", "{P}")', P, "carol"),
        (f'conn.simple_bind_s("cn=admin,dc=x", "{P}")', P, "cn=admin,dc=x"),
        (f'ssh.connect("10.0.0.1", 22, "root", "{P}")', P, "10.0.0.1"),
        (f'redis.Redis("cache-1", 6379, 0, "{P}")', P, "cache-1"),
        (f'AES.new(b"{T}", AES.MODE_GCM)', T, "AES.MODE_GCM"),
        (f'SymmetricKey(data: Data("{T}".utf8))', T, "utf8"),
        (f'aes.NewCipher([]byte("{T}"))', T, "NewCipher"),
        (f'new SecretKeySpec("{T}".getBytes(), "AES")', T, '"AES"'),
        (f'CryptoJS.AES.encrypt(data, "{T}")', T, "data"),
        (f"openssl_encrypt($d, 'aes-256-cbc', '{T}')", T, "aes-256-cbc"),
        (f'Github("{T}").get_repo("acme/web")', T, "acme/web"),
        (f'new mysqli("localhost", "app", "{P}", "orders")', P, "localhost"),
        (
            f'DriverManager.getConnection("jdbc:mysql://db/x", "root", "{P}")',
            P,
            "jdbc:mysql://db/x",
        ),
        (f"await page.fill('#password', '{P}');", P, "#password"),
        (f'find_element(By.ID, "password").send_keys("{P}")', P, "By.ID"),
        (f"cy.get('[name=password]').type('{P}')", P, "cy.get"),
        (f"btoa('bob:{P}')", P, "bob"),
        (f'Client("{ACCOUNT}", "{T}")', T, ACCOUNT),
        (f'.basic_auth("bob", Some("{P}"))', P, "bob"),
    ],
)
@each_case("depth", [0, 1, 2])
def test_the_secret_goes_at_any_depth_of_escaping(
    code: str, gone: str, kept: str, depth: int
) -> None:
    for _ in range(depth):
        code, kept = json.dumps(code), json.dumps(kept)[1:-1]
    redactor = Redactor()
    result = redactor.text(code)
    assert gone not in result
    assert kept in result
    assert redactor.text(result) == result


@pytest.mark.parametrize(
    "code",
    [
        "page.fill('#email', 'dana42@example.com')",
        "page.type('#search', 'blue shoes 42')",
        'client.run("build-2024")',
        'app.login("admin")',
        "DriverManager.getConnection(url, user, password)",
        f'Client("{ACCOUNT}", token)',
        "hmac.new(key, msg, hashlib.sha256)",
        'jwt.decode(token, key, algorithms=["RS256"])',
    ],
)
def test_other_calls_pass(code: str) -> None:
    assert Redactor().text(code) == code


@pytest.mark.parametrize("form", ["fill('#password', '{}", 'hmac.new(b"{}', 'x.login("a", "{}'])
def test_a_literal_cut_off_at_the_end_goes_too(form: str) -> None:
    assert T not in Redactor().text(form.format(T))
