"""Files, environment and flags become settings; what is wrong is named with its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.config import Loaded, SettingsError, load, resolve_accounts
from bridge.core.errors import ConfigError

RUN = "3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"
Write = Callable[[str], Path]
HOME = {"HOME": "/home/somebody"}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        Path("bridge.toml").write_text(text)
        return Path("bridge.toml")

    return write


def read(file: Path | None = None, env: Mapping[str, str] | None = None, **flags: Any) -> Loaded:
    return load(file, {k.replace("__", "."): v for k, v in flags.items()}, {**HOME, **(env or {})})


def problems(file: Path | None = None, env: Mapping[str, str] | None = None, **flags: Any) -> Any:
    with pytest.raises(SettingsError) as caught:
        read(file, env, **flags)
    return caught.value.problems


def test_without_anything_the_defaults_are_those_of_the_interface() -> None:
    settings = read().settings
    assert settings.listen_address == ("127.0.0.1", 8080)
    assert settings.accounts[0].requests_per_minute == 54
    assert settings.default_account.base_url == "https://mogplex.com"
    assert settings.journal == "sqlite:/home/somebody/.local/state/mogplex-bridge/journal.db"


def test_the_file_of_the_interface_is_accepted(write: Write) -> None:
    file = write(f"""
listen  = "127.0.0.1:8080"
journal = "sqlite:/var/lib/mogplex-bridge/journal.db"
[retention]
age = "7d"
bytes = "2GiB"
[[accounts]]
name = "default"
system = "mogplex"
base_url = "https://mogplex.com"
token_file = "/run/secrets/mogplex"
requests_per_minute = 54
runs = ["{RUN}"]
[[outputs]]
type = "ndjson"
path = "/var/log/mogplex-bridge/events.ndjson"
rotate = {{bytes = "100MiB", every = "1d"}}
keep = {{files = 14, age = "30d"}}
compress = "zstd"
filter = {{types = ["com.mogplex.run.event.*"]}}
[redaction]
keys = ["x-internal-*"]
keep = ["payload.tokenizer"]
[auth]
tokens_file = "/etc/mogplex-bridge/tokens.toml"
""")
    settings = read(file).settings
    assert settings.retention.age == 7 * 86400
    assert settings.retention.bytes == 2 * 1024**3
    assert settings.outputs[0].rotate.bytes == 100 * 1024**2
    assert settings.outputs[0].keep.age == 30 * 86400
    assert settings.accounts[0].runs == (RUN,)
    assert settings.auth is not None


@pytest.mark.parametrize(
    ("flags", "env", "text", "expected", "origin"),
    [
        ({"listen": "127.0.0.1:4"}, "127.0.0.1:3", "127.0.0.1:2", "127.0.0.1:4", "flag --listen"),
        ({}, "127.0.0.1:3", "127.0.0.1:2", "127.0.0.1:3", "environment MOGPLEX_BRIDGE_LISTEN"),
        ({}, "", "127.0.0.1:2", "127.0.0.1:2", "bridge.toml:2"),
        ({}, "", "", "127.0.0.1:8080", "default"),
    ],
)
def test_flag_beats_environment_beats_file_beats_default(
    write: Write, flags: dict[str, str], env: str, text: str, expected: str, origin: str
) -> None:
    file = write(f'# a comment\nlisten = "{text}"\n' if text else "")
    loaded = read(file, {"MOGPLEX_BRIDGE_LISTEN": env}, **flags)
    assert loaded.settings.listen == expected
    assert loaded.origin(("listen",)) == origin


def test_a_flag_not_given_changes_nothing(write: Write) -> None:
    loaded = read(write('[log]\nlevel = "debug"\n'), log__level=None, listen=None, runs=())
    assert loaded.settings.log.level == "debug"


def test_nested_and_listed_settings_come_from_the_environment() -> None:
    settings = read(
        env={
            "MOGPLEX_BRIDGE_RETENTION__AGE": "12h",
            "MOGPLEX_BRIDGE_RETENTION__BYTES": "1000",
            "MOGPLEX_BRIDGE_REDACTION__KEYS": "x-*, y-*",
            "MOGPLEX_BRIDGE_REDACTION__PATTERNS": '["a,b"]',
            "MOGPLEX_BRIDGE_ACCOUNTS__0__REQUESTS_PER_MINUTE": "20",
            "MOGPLEX_BRIDGE_ACCOUNTS__0__ALLOW_PLAIN_HTTP": "true",
            "MOGPLEX_BRIDGE_OUTPUTS__0__PATH": "/tmp/x.ndjson",
            "MOGPLEX_BRIDGE_OUTPUTS__1__PATH": "-",
        }
    ).settings
    assert settings.retention.age == 12 * 3600
    assert settings.retention.bytes == 1000
    assert settings.redaction.keys == ("x-*", "y-*")
    assert settings.redaction.patterns == ("a,b",)
    assert settings.accounts[0].requests_per_minute == 20
    assert settings.accounts[0].allow_plain_http is True
    assert [output.path for output in settings.outputs] == ["/tmp/x.ndjson", "-"]


def test_an_unknown_variable_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(
        ConfigError,
        match=r"MOGPLEX_BRIDGE_RETENTION__AGGE; did you mean "
        r"MOGPLEX_BRIDGE_RETENTION__AGE\?",
    ):
        read(env={"MOGPLEX_BRIDGE_RETENTION__AGGE": "1d"})


def test_what_kubernetes_sets_for_a_service_of_this_name_is_ignored() -> None:
    read(
        env={
            "MOGPLEX_BRIDGE_SERVICE_HOST": "10.0.0.1",
            "MOGPLEX_BRIDGE_SERVICE_PORT_HTTP": "80",
            "MOGPLEX_BRIDGE_PORT": "tcp://10.0.0.1:80",
            "MOGPLEX_BRIDGE_PORT_80_TCP_ADDR": "10.0.0.1",
            "MOGPLEX_BRIDGE_METRICS_SERVICE_HOST": "10.0.0.2",
        }
    )


def test_a_wrong_value_from_the_environment_names_the_variable() -> None:
    assert problems(env={"MOGPLEX_BRIDGE_RETENTION__AGE": "soon"}) == (
        'environment MOGPLEX_BRIDGE_RETENTION__AGE: retention.age must be a duration such as "90s",'
        ' "1h30m" or "7d", or a number of seconds, not "soon"',
    )
    (long,) = problems(env={"MOGPLEX_BRIDGE_LIMITS__RUNS": "1" * 5_000})
    assert long.startswith("environment MOGPLEX_BRIDGE_LIMITS__RUNS: limits.runs must be a whole")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('listn = "x"', "bridge.toml:1: unknown key listn; did you mean listen?"),
        ("[retention]\nagee = 1", "bridge.toml:2: unknown key retention.agee; did you mean"),
        ('retention_age = "7d"', "unknown key retention_age; did you mean retention.age?"),
        ("\n[[accounts]]\n[[accounts]]\nname='b'\ntokenfile='x'",
         "bridge.toml:5: unknown key accounts[1].tokenfile; did you mean accounts[].token_file?"),
        ("zebra = 1", "unknown key zebra; see docs/configuration.md"),
        ('[[accounts]]\nrequests_per_minute = "54"',
         'bridge.toml:2: accounts[0].requests_per_minute must be a whole number, not "54"'),
        ("[[accounts]]\nrequests_per_minute = 0", "must be at least 1, not 0"),
        ("[[accounts]]\nallow_plain_http = 1", "must be true or false, not 1"),
        ('[[accounts]]\nsystem = "mogplexx"', '(did you mean "mogplex"?), not "mogplexx"'),
        ('[[outputs]]\npath = "x"\nnaming = "numberd"',
         'bridge.toml:3: outputs[0].naming must be "numbered" or "fixed", not "numberd"'),
        ('[[outputs]]\npath = "x"\nrotate = {every = "1x"}', "rotate.every must be"),
        ("[[outputs]]\ntype = 'ndjson'", "bridge.toml:1: outputs[0].path is required"),
        ('[[accounts]]\nruns = [\n  "nonsense",\n]', "bridge.toml:3: accounts[0].runs[0] must be"),
        ("accounts = []", "accounts must be a list of at least 1"),
        ("retention = 7", "bridge.toml:1: retention must be a table, not 7"),
        ("accounts = 7", "accounts must be a list"),
        ('listen = "localhost"', 'listen must be an address HOST:PORT such as "127.0.0.1:8080"'),
        ('listen = "127.0.0.1:99999"', "a port between 0 and 65535"),
        ('journal = "postgres:x"', 'journal must be "sqlite:" for the state directory'),
        ("[redaction]\npatterns = ['(']", "redaction.patterns[0] must be a regular expression"),
        ("[redaction]\npatterns = ['a{99999999999}']", "the repetition number is too large"),
        (f"[redaction]\npatterns = ['{'(' * 3000}{')' * 3000}']", "nested less deeply"),
        ('[[accounts]]\nname = "Big One"', "accounts[0].name must be lower-case letters"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_one_line_with_place_key_and_cure(
    write: Write, text: str, expected: str
) -> None:
    found = problems(write(text))
    assert len(found) == 1
    assert expected in found[0]
    assert found[0].startswith("bridge.toml:")
    assert "\n" not in found[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('system="moot"\nspaces=["a/b"]', "spaces[0] must be a space id, up to 200 characters"),
        ('system="miosa"\nfollow=["sandbx:x"]',
         'follow[0] must be "KIND:ID" or "tenant" ("sandbx" is no kind'),
        ('system="miosa"\nfollow=["sandbox:x"]',
         'follow[0] must be "KIND:ID" or "tenant" ("x" is no id of a sandbox'),
        ('system="miosa"\nrequests_per_minute=1', "requests_per_minute must be at least 2"),
    ],
)  # fmt: skip
def test_a_feed_that_cannot_be_listed_is_explained_in_a_whole_sentence(
    write: Write, text: str, expected: str
) -> None:
    (found,) = problems(write(f"[[accounts]]\n{text}\n"))
    assert expected in found


def test_the_tenants_of_two_accounts_are_two_feeds(write: Write) -> None:
    account = '[[accounts]]\nname="{0}"\nsystem="miosa"\ntoken_file="{0}"\nfollow=["tenant"]\n'
    accounts = read(write(account.format("a") + account.format("b"))).settings.accounts
    assert [account.listed() for account in accounts] == [[("tenant", "tenant")]] * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('listen = "0.0.0.0:80"', "bridge.toml:1: listen 0.0.0.0:80 can be reached from other"),
        ('listen = "[::]:80"', "so [auth] with tokens_file is needed"),
        ('listen = "bridge.example:80"', "so [auth] with tokens_file is needed"),
        ("[[accounts]]\n[[accounts]]\n",
         'bridge.toml:2: account name "default" is already used by accounts[0]'),
        ('[[accounts]]\nbase_url = "http://mogplex.example"', "everybody on the way can read"),
        ('[[accounts]]\ntoken_file = "a"\ntoken_env = "A"', "token_file and token_env; keep one"),
        ('[[accounts]]\nname="a"\ntoken_file="t"\n[[accounts]]\nname="b"\ntoken_file="t"',
         "share a token and therefore one rate limit"),
        ("[[accounts]]\nrequests_per_minute = 3", "reserve must be below requests_per_minute"),
        ('[[accounts]]\nra_cap = "10m"', "ra_cap must be between 1s and 5m"),
        (f'[[accounts]]\nname="a"\nruns=["{RUN}"]\n[[accounts]]\nname="b"\nruns=["{RUN}"]',
         "listed under two accounts"),
        ('[[outputs]]\npath="x"\n[[outputs]]\npath="x"', 'both write "x"'),
        ('journal="sqlite:/x"\n[[outputs]]\npath="/x"', "is the journal's file"),
        ('journal="sqlite:///x"\n[[outputs]]\npath="/x"', "is the journal's file"),
        ('[[outputs]]\npath="-"\ncompress="zstd"', "compress has no meaning for stdout"),
        ('[[outputs]]\npath="x"\nfilter={accounts=["nobody"]}', '"nobody", which is no account'),
        ('[[outputs]]\npath="x"\nline_bytes=10', "line_bytes must be 0 or at least 1024"),
        ('[[outputs]]\npath="x"\nrotate={bytes=0}', "rotate.bytes must be above 0"),
    ],
)  # fmt: skip
def test_a_broken_rule_between_settings_is_named_with_its_line(
    write: Write, text: str, expected: str
) -> None:
    found = problems(write(text))
    assert len(found) == 1
    assert expected in found[0]
    assert found[0].startswith("bridge.toml:")


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.9.9.9:80", "[::1]:80", "localhost:80"])
def test_loopback_needs_no_auth(address: str) -> None:
    assert read(listen=address).settings.listen == address


def test_all_mistakes_are_found_at_once_and_the_text_says_how_many(write: Write) -> None:
    file = write('[log]\nlevel = "loud"\n[retention]\nage = "x"\n[metrics]\nopen = 3\n')
    assert [line.partition(": ")[0] for line in problems(file)] == [
        "bridge.toml:2",
        "bridge.toml:4",
        "bridge.toml:6",
    ]
    with pytest.raises(SettingsError, match=r"^bridge\.toml:2: .* \(and 2 more: mogplex-bridge"):
        read(file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'listen = "x\n', r"bridge\.toml:1:\d+: not valid TOML"),
        (b"a = 1\nb = = 2\n", r"bridge\.toml:2:5: not valid TOML: invalid value"),
        (b"a = [1,\n2,\n", r"bridge\.toml:3: not valid TOML"),
        (b"a = 1\nb = '\xff'\n", r"bridge\.toml:2: not UTF-8"),
        (b"#" * 1_100_000, "longer than 1 MiB"),
        (b"a = " + b"[" * 30_000, "not valid TOML"),
        (b"a = 1\nb = " + b"1" * 5_000 + b"\n", r"bridge\.toml:2: not valid TOML: a number is too"),
    ],
)
def test_what_is_not_toml_is_told_with_line_and_column(
    write: Write, text: bytes, expected: str
) -> None:
    file = write("")
    file.write_bytes(text)
    with pytest.raises(ConfigError, match=expected):
        read(file)


def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the configuration: no such file"):
        read(tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match="cannot read the configuration: is a directory"):
        read(tmp_path)


def test_a_byte_order_mark_is_no_mistake(write: Write) -> None:
    file = write("")
    file.write_bytes(b'\xef\xbb\xbflisten = "127.0.0.1:1"\r\n')
    assert read(file).settings.listen == "127.0.0.1:1"


def test_the_config_variable_names_the_file(write: Write) -> None:
    file = write('listen = "127.0.0.1:7"')
    assert read(env={"MOGPLEX_BRIDGE_CONFIG": str(file)}).settings.listen == "127.0.0.1:7"


@pytest.mark.parametrize(
    "text",
    [
        '[[accounts]]\ntoken = "mog_abcdefghijklmnopqrstuvwx"',
        '[[accounts]]\ntoken_file = "mog_abcdefghijklmnopqrstuvwx"',
        '[[accounts]]\nbase_url = "https://me:mog_abcdefghijklmnopqrstuvwx@mogplex.com"',
        '[[accounts]]\nname = "mog_abcdefghijklmnopqrstuvwx!"',
        'listen = "mog_abcdefghijklmnopqrstuvwx"',
        'listen = "https://me:hunter2@host"',
        '"mog_abcdefghijklmnopqrstuvwx" = 1',
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(write: Write, text: str) -> None:
    found = " ".join(problems(write(text)))
    assert "abcdefghijkl" not in found
    assert "hunter2" not in found


class TestDefaultAccount:
    def test_is_the_one_named_so_else_the_first(self, write: Write) -> None:
        two = '[[accounts]]\nname = "a"\n[[accounts]]\nname = "{}"\n'
        assert read(write(two.format("default"))).settings.default_account.name == "default"
        assert read(write(two.format("b"))).settings.default_account.name == "a"

    def test_gets_flags_and_the_vendors_variables(self, write: Write) -> None:
        file = write('[[accounts]]\nname = "a"\n[[accounts]]\nname = "default"\ntoken_file = "t"\n')
        env = {"MOGPLEX_URL": "https://mog.example", "MOGPLEX_TOKEN": "mog_x"}
        loaded = read(file, env, runs=(RUN,))
        default = loaded.settings.default_account
        assert (default.base_url, default.token_env) == ("https://mog.example", "MOGPLEX_TOKEN")
        assert default.token_file is None
        assert default.runs == (RUN,)
        assert loaded.settings.accounts[0].token_env is None
        assert loaded.origin(("accounts", 1, "token_env")) == "environment MOGPLEX_TOKEN"

    @pytest.mark.parametrize(
        ("names", "winner"),
        [
            (["MOGPLEX_API_TOKEN", "MOGPLEX_TOKEN", "MOGPLEX_API_KEY"], "MOGPLEX_API_KEY"),
            (["MOGPLEX_API_TOKEN", "MOGPLEX_TOKEN"], "MOGPLEX_TOKEN"),
            (["MOGPLEX_API_TOKEN"], "MOGPLEX_API_TOKEN"),
        ],
    )
    def test_takes_the_first_token_variable_that_is_set(
        self, names: list[str], winner: str
    ) -> None:
        assert read(env=dict.fromkeys(names, "mog_x")).settings.accounts[0].token_env == winner

    def test_an_empty_variable_is_not_set(self) -> None:
        env = {"MOGPLEX_API_KEY": " ", "MOGPLEX_TOKEN": "mog_x", "MOGPLEX_BASE_URL": ""}
        account = read(env=env).settings.accounts[0]
        assert (account.token_env, account.base_url) == ("MOGPLEX_TOKEN", "https://mogplex.com")

    def test_a_token_file_flag_beats_the_variables(self) -> None:
        account = read(env={"MOGPLEX_API_KEY": "mog_x"}, token_file="/t").settings.accounts[0]
        assert (account.token_file, account.token_env) == ("/t", None)

    def test_its_own_variable_beats_the_vendors(self) -> None:
        env = {
            "MOGPLEX_BRIDGE_ACCOUNTS__0__TOKEN_FILE": "/t",
            "MOGPLEX_API_KEY": "mog_x",
            "MOGPLEX_BRIDGE_ACCOUNTS__0__BASE_URL": "https://one.example",
            "MOGPLEX_BASE_URL": "https://two.example",
        }
        account = read(env=env).settings.accounts[0]
        assert (account.token_file, account.token_env) == ("/t", None)
        assert account.base_url == "https://one.example"

    def test_base_url_flag_beats_the_first_variable(self) -> None:
        env = {"MOGPLEX_BASE_URL": "https://one.example", "MOGPLEX_URL": "https://two.example"}
        assert read(env=env).settings.accounts[0].base_url == "https://one.example"
        flagged = read(env=env, base_url="https://three.example").settings.accounts[0]
        assert flagged.base_url == "https://three.example"


def test_runs_and_outputs_of_flags_are_added_to_those_of_the_file(write: Write) -> None:
    other = RUN.replace("3", "4")
    file = write(f'[[accounts]]\nruns = ["{RUN}"]\n[[outputs]]\npath = "a.ndjson"\n')
    loaded = read(file, runs=(other,), ndjson="-")
    assert loaded.settings.accounts[0].runs == (RUN, other)
    assert [output.path for output in loaded.settings.outputs] == ["a.ndjson", "-"]
    assert loaded.origin(("outputs", 1)) == "flag --ndjson"


def test_a_file_named_by_a_flag_has_that_name() -> None:
    assert read(ndjson="/tmp/x.ndjson").settings.outputs[0].naming == "fixed"
    assert read(ndjson="-").settings.outputs[0].path == "-"


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "XDG_STATE_HOME": "/x"}, "/var/lib/a"),
        ({"XDG_STATE_HOME": "/x"}, "/x/mogplex-bridge"),
        ({"XDG_STATE_HOME": "relative"}, "/home/somebody/.local/state/mogplex-bridge"),
        ({}, "/home/somebody/.local/state/mogplex-bridge"),
    ],
)
def test_the_journal_is_in_the_state_directory(env: dict[str, str], expected: str) -> None:
    assert read(env=env).settings.journal == f"sqlite:{expected}/journal.db"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read().settings.listen = "127.0.0.1:1"


def test_what_is_missing_is_told_with_the_nearest_place(tmp_path: Path) -> None:
    """The line of the key, of what holds it, the file, or that there is none."""
    file = tmp_path / "bridge.toml"
    file.write_text('[[accounts]]\nname = "a"\ntoken_file = "none"\n[[accounts]]\nname = "b"\n')
    loaded = load(file, {}, {})
    assert loaded.place("accounts", 0, "token_file") == f"{file}:3"
    assert loaded.place("accounts", 1, "token_file") == f"{file}:4"
    assert loaded.place("redaction", "fingerprint_key_file") == str(file)
    assert load(None, {}, {}).place("accounts", 0, "token_file") == "configuration"
    with pytest.raises(ConfigError, match=r'bridge\.toml:3: token file none of account "a"'):
        resolve_accounts(loaded.settings, {}, loaded.place)


def test_a_pipe_that_was_read_is_not_an_empty_configuration() -> None:
    """A reload after `--config <(command)` took every setting back to its default."""
    reading, writing = os.pipe()
    try:
        os.write(writing, b'[retention]\nage = "1d"\n')
        os.close(writing)
        file = Path(f"/dev/fd/{reading}")
        assert read(file).settings.retention.age == 86400
        with pytest.raises(ConfigError, match="a pipe that has been read already"):
            read(file)
    finally:
        os.close(reading)
