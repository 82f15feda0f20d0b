"""Passwords on command lines of known programs."""

from __future__ import annotations

import pytest

from bridge.redact import Redactor
from tests.cases import each_case

P = "dWTin8bXnBg0" + "k1fs5pCR"


@each_case(
    ("before", "after"),
    [
        ("mysql -uroot -p", " -e 'show tables'"), ("curl -u bot:", " https://e.com"), ("sshpass -p '", "' ssh h"), ("docker login -u a -p ", " r.example.com"),
        ("redis-cli -h c -a ", " ping"), ("echo ", " | sudo -S apt update"), ("echo '", "' | docker login --password-stdin"), ("ldapsearch -x -w ", " -b dc=x"),
        ("openssl rsa -passin pass:", " -in k"), ("7z x -p", " a.7z"), ("unzip -P ", " a.zip"), ("vault login ", "\n"), ("htpasswd -b f admin ", "\n"),
        ("rabbitmqctl add_user app ", "\n"), ("sqlplus app/", "@orcl"), ("smbclient //h/s -U 'a%", "'"), ("xfreerdp /u:a /p:", " /v:h"), ("keytool -storepass ", " -list"),
        ("kadmin -p a/admin -w ", " -q listprincs"), ("plink -ssh -pw ", " root@h uptime"), ("psexec -u a -p ", " cmd"), ("oathtool --totp -b ", " -d 6"),
        ("snmpget -v3 -l authPriv -u m -A ", " -x AES h oid"), ("schtasks /create /ru a /rp ", " /tn x"),
    ],
)  # fmt: skip
def test_the_password_goes_and_the_command_stays(before: str, after: str) -> None:
    result = Redactor().text(f"set -e\n{before}{P}{after}\nnpm test")
    assert P not in result
    assert before in result
    assert after in result


@pytest.mark.parametrize(
    "text",
    ["mysql -u root -p$PW db", "curl -u $USER:$PASS https://e.com", "docker run -p 8080:80 app", "docker login --password-stdin", "redis-cli -p 6379 ping",
     "curl -u admin https://e.com", "unzip -p a.zip x", "ssh -p 2222 h", "echo done | tee log", "zip -P", "mysql -p", "vault login -method=oidc"],
)  # fmt: skip
def test_commands_without_a_password_stay(text: str) -> None:
    assert Redactor().text(text) == text


def test_two_flags_of_one_program_both_go() -> None:
    result = Redactor().text(
        f"snmpwalk -v3 -u m -a SHA -A {P} -x AES -X {P[::-1]} 10.0.0.1 sysDescr"
    )
    assert P not in result
    assert P[::-1] not in result
    assert result.endswith(" 10.0.0.1 sysDescr")


@pytest.mark.parametrize(
    "text",
    ["lpass show --password 'Team/DB2207x'", "gcloud secrets versions access 3 --secret=mailer", "docker build --secret id=npmrc,src=.npmrc .",
     'jq -r \'.data["password"]|@base64d\' x.json', "-o go-template='{{index .data \"db-password\" | base64decode}}'"],
)  # fmt: skip
def test_a_flag_that_says_what_is_shown_has_no_value(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    "text", ["mysql -p00000A -p00000A", "redis-cli -a 00000A -p 00000A", "sshpass -p 00000A -p 7x"]
)
def test_a_second_pass_does_not_take_the_next_flag_for_the_password(text: str) -> None:
    once = Redactor().text(text)
    assert once != text
    assert Redactor().text(once) == once
