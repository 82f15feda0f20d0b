"""Values that are pieces of a program: lines of well-known programs that were changed once."""

from __future__ import annotations

import signal

from bridge.redact import Redactor
from bridge.redact.values.code import FORMS
from tests.cases import each_case

REDACTOR = Redactor()
UUID = "5236cffc-ee13-4a32-bb5b-388d9da09d96"


@each_case(
    "text",
    [
        # names of code
        "OAuth2TokenMixin as OAuth2TokenMixin", "'NSHTTPCookie', 'NSHTTPCookieStorage', 'NSHTTPURLResponse'",
        "self.authentication_code_1 = authentication_code_1", 'code_1 = self._get_param("AuthenticationCode1")', "'device.authentication-code1': 'authentication-code-1',",
        "ROOT_KEY = '__root__'", 'reserved_key = "AWS::CloudFormation::Module"', "$h{$h_key} = autodie::Scope::Guard->new(sub {", "Credential: _win32typing.PyCredHandle,",
        "if key == cfnlint.helpers.FUNCTION_IF:", "elif entry.lpCompletionKey == CKeys.WAIT_OVERLAPPED:", "pin = ttk.Checkbutton(self.root, style='x')", "Pin = Pin_list[0]",
        "def sanitize_token(self, token: _Token) -> _Token | list[_Token] | None: ...",
        # arguments
        "graph[id].type_check_first_pass(recurse_into_functions=False)", "return st.lists(token, max_size=3).map('')", "offendingToken:Token=None, dead:ATNConfigSet=None",
        "def encryptionkey(password, OwnerKey, Permissions, FileId1, revision=None) -> bytes: ...", "--units AccessToken=minutes,IdToken=minutes,RefreshToken=days",
        # what follows `pass`
        "    pass\n\n\n@mypyc_attr(allow_interpreted_subclasses=True)\nclass T:", "        pass\n    #gc.set_debug(gc.DEBUG_SAVEALL)\n", "/* prototype to pass -Wmissing-prototypes */",
        "a bug introduced in the first pass of gh-18450,", "class SecretApiMixin:\n    @utils.minimum_version('1.25')\n    def create",
        # joined strings and formats
        "sCookie += '; expires=' + sDate;", "'Unknown TAP token: \"' . $unk->raw . '\"' );", 'print("shlex: token=" + repr(raw))', "user_pass = '%s:%s' % (unquote(user),",
        '$last_update_token = "\\"$last_update_token\\"";', '"-auth=anonymous:$FROM_EMAIL",',
        # versions, dates, units, algorithms
        "ii  passwd         1:4.13+dfsg1-1+deb12u1 amd64        change and administer", "Setting up passwd (1:4.13+dfsg1-1+deb12u1) ...", "apt\tpython3-jwt\t2.10.1-2+deb13u1\n",
        "pip install 'grafana_foundation_sdk==1769699998!10.1.0'", "// pin : 2014-12-18 Amazon Registry Services, Inc.", '"md5", "password", "scram-sha-256",', "Password should be latin-1 encodable.",
        # documentation
        ":param password: user provided password\n:type password: bytes", ".. _`RFC6749#Token`: https://tools.ietf.org/html/rfc6749#section-3.2",
        # digests, ids, cursors
        "run/warnings.py,sha256=GOsu4I-cog_5P7OSVz30f7wSQMGMbE7S6GOLiFEnu7o,25871", "ufunclike.pyi,sha256=sk_HDVLeOoNeF4VOGHDI0iUT8YHeeOJjxyZTO4q0ddE,1346",
        f'"ClientToken": "{UUID}"', f"--client-request-token {UUID}", '"nextForwardToken": "f/31961209122447488583055879464742346735121166569214640130"',
        '"nextSequenceToken": "49542672486831074009579604567656788214806863282469607346"', "--import-token fileb://ImportToken.bin",
        # settings in one value
        'PYPIRC_NOPASSWORD = """\\\n[distutils]\n\nindex-servers =\n    server1\n\n[server1]\nusername: me\n"""\n', "jdbc:sqlserver://sql01:1433;databaseName=hr;encrypt=true",
        '"SecretString": "{\\"username\\":\\"app\\",\\"password\\":\\"\\",\\"host\\":\\"db.internal\\"}"',
    ],
)  # fmt: skip
def test_a_piece_of_a_program_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


@each_case(
    ("before", "after"),
    [
        ('s.login("a@b.dev", "otter_walrus_235")', 's.login("a@b.dev", "[REDACTED:secret]")'), ("the admin login is admin / otter_walrus_526 please", "the admin login is admin / [REDACTED:password] please"),
        ("the wifi password at the office is otterHarbor2220 and", "the wifi password at the office is [REDACTED:password] and"), ("OTP: 986219", "OTP: [REDACTED:otp]"),
        ("use passphrase `pepper tundra velvet hazel` for ssh", "use passphrase `[REDACTED:passphrase]` for ssh"), ("xcrun altool -u d@e.io -p yrsw-htut-opjr-ihho", "xcrun altool -u d@e.io -p [REDACTED:password]"),
        ('the seed phrase is "' + "otter walrus " * 5 + 'hazel pepper", send it', 'the seed phrase is "[REDACTED:passphrase]", send it'),
        ("jdbc:sqlserver://sql01:1433;user=hr;password=walrus39x;encrypt=true", "jdbc:sqlserver://sql01:1433;user=hr;password=[REDACTED:password];encrypt=true"),
        ('{"SecretString": "{\\"username\\":\\"app\\",\\"password\\":\\"asYGZRW9Zlff\\",\\"host\\":\\"db.internal\\"}"}', '{"SecretString": "{\\"username\\":\\"app\\",\\"password\\":\\"[REDACTED:password]\\",\\"host\\":\\"db.internal\\"}"}'),
    ],
)  # fmt: skip
def test_a_secret_between_such_values_goes(before: str, after: str) -> None:
    assert REDACTOR.text(before) == after
    assert REDACTOR.text(after) == after


def test_a_column_of_a_table_is_read_by_its_name() -> None:
    rows = [
        ["system", "user", "password"],
        ["Jira", "dana", "Biscuit6141"],
        ["Nexus", "ci", "sB@o02Ct~A0U"],
    ]
    new = REDACTOR.value({"rows": rows})["rows"]
    assert [row[:2] for row in new] == [row[:2] for row in rows]
    assert [row[2] for row in new] == ["password", "[REDACTED:password]", "[REDACTED:password]"]
    for harmless in (
        [["password"], ["Biscuit6141"]],
        [["a", "password"], ["b"]],
        [["a b", "c"], [1, 2]],
    ):
        assert REDACTOR.value(harmless) == harmless


def test_json_that_a_command_printed_keeps_its_names() -> None:
    key = (
        "VSxUNaKr5/IMUve4nloTiv3jTFfE3oVmZkIETdTcw/fWS9zZ"
        + "/mNJDXzWSWuLK2IjJTy4glKZBc5zukB1ZsRc5g=="
    )
    output = f'[\n  {{\n    "keyName": "key1",\n    "permissions": "FULL",\n    "value": "{key}"\n  }}\n]'
    event = {"input": {"command": "az storage account keys list -n a"}, "output": output}
    assert REDACTOR.value(event)["output"] == output.replace(key, "[REDACTED:secret]")


def test_no_row_tries_for_ever_to_match() -> None:
    """`@aaAAAA…!` took a row twice as long with each further letter: 50 of them hung the process."""
    heads = ("", "@aa", "a.", "+ ", "a=", "A::", "(a", "1.2", "list[")
    units = (
        "a",
        "A",
        "aA",
        "a1",
        "a.",
        "a_",
        "a|",
        "a::",
        "a=b,",
        "1.",
        "-a",
        "%s",
        "{}",
        " ",
        ".",
        "]",
        "a/",
    )

    def too_long(*_: object) -> None:
        raise AssertionError("a row backtracks")

    before = signal.signal(signal.SIGALRM, too_long)  # it ends a match, too
    signal.setitimer(signal.ITIMER_REAL, 20)
    try:
        for form in FORMS:
            for head in heads:
                for unit in units:
                    assert form().fullmatch(head + (unit * 250)[:250] + "!\n") is None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
