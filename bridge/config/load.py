"""Settings from a file, the environment and flags: read, merged, checked, each with its origin."""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as FileName
from typing import Any, Final

from pydantic import ValidationError

from bridge.config.environment import CONFIG_VARIABLE, first_set, read_environment
from bridge.config.explain import Path, dotted, explain
from bridge.config.model import Settings
from bridge.config.places import find_places
from bridge.config.rules import broken_rules
from bridge.config.statedir import state_directory
from bridge.config.upstream import default_index, default_section, section_of
from bridge.core.errors import ConfigError
from bridge.core.journal_url import DEFAULT
from bridge.schema.upstream import UpstreamAccount

FILE_BYTES_MAX: Final = 1 << 20  # a thousand times a long file; a wrong path may be a disk image

_LONG_NUMBER = re.compile(r"[0-9_]{4301,}", re.ASCII)  # more than sys.get_int_max_str_digits()
_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")


class SettingsError(ConfigError):
    """The settings are wrong in one or more places; the text is the first of `problems`."""

    def __init__(self, problems: list[str]) -> None:
        more = len(problems) - 1
        rest = f" (and {more} more: mogplex-bridge check lists all)" if more else ""
        super().__init__(problems[0] + rest)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Checked settings, and where each value came from."""

    settings: Settings
    origins: Mapping[Path, str]  # the keys that were set; the rest are defaults
    file: FileName | None

    def origin(self, path: Path) -> str:
        """`bridge.toml:12`, `environment NAME`, `flag --listen` or `default`."""
        return self.origins.get(path, "default")

    def place(self, *path: str | int) -> str:
        """Where to look for what is wrong with a key: at it, at what holds it, or in the file."""
        return _nearest_origin(self.origins, path, str(self.file or "configuration"))

    @contextmanager
    def telling(self, *path: str | int) -> Iterator[None]:
        """Add the `place` of a key to every ConfigError raised inside."""
        try:
            yield
        except ConfigError as error:
            raise ConfigError(f"{self.place(*path)}: {error}") from None


def load_settings(
    config: FileName | None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """`load`, without the origins."""
    return load(config, overrides, environ).settings


def load(
    config: FileName | None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    """Read and check all settings. Precedence: flag, environment, file, default.

    `config` None means MOGPLEX_BRIDGE_CONFIG, else no file. `overrides` come from flags; a value of
    None or an empty sequence is a flag not given. Its keys are dotted settings ("listen",
    "log.level") or one of: `system` (whose default account the other keys mean; created when there
    is none), `token_file` and `base_url` (of the default account), `runs` (ids of runs, added to
    those of the default account), `follow` ("WHERE:KIND:ID" each, WHERE an account or a system that
    one account has), `ndjson` (path of one more output).

    Raises:
        ConfigError: The file cannot be read; a SettingsError when values are wrong.
    """
    environ = os.environ if environ is None else environ
    if config is None and (named := environ.get(CONFIG_VARIABLE)):
        config = FileName(named)
    given = {k: v for k, v in (overrides or {}).items() if v is not None and v != ()}
    merged = _Merged(given.pop("system", None))
    if config is not None:
        merged.take_file(config)
    merged.take_environment(environ)
    merged.take_flags(given)
    merged.take_default_journal(environ)
    return Loaded(merged.validate(), merged.origins, config)


class _Merged:
    """The tree of raw values so far, and the origin of each."""

    def __init__(self, system: str | None = None) -> None:
        """`system`: the default account is the one of this system."""
        self._system = system
        self.tree: dict[str, Any] = {}
        self.origins: dict[Path, str] = {}

    def take_file(self, file: FileName) -> None:
        import tomllib  # noqa: PLC0415 - `follow` rarely reads a file

        text = _read(file)
        try:
            self.tree = tomllib.loads(text.removeprefix("\ufeff"))
        # ValueError: Python refuses to read a number of thousands of digits.
        except (ValueError, RecursionError) as error:
            raise ConfigError(_syntax_error(file, text, error)) from None
        for path, line in find_places(text).items():
            self.origins[path] = f"{file}:{line}"

    def take_environment(self, environ: Mapping[str, str]) -> None:
        named: set[Path] = set()
        for name, path, value in read_environment(environ):
            self._set(path, value, f"environment {name}")
            named.add(path)
        for account in self._first_choices():
            section = self._section(account)
            url = first_set(environ, section.base_url_variables)
            if url and (*account, "base_url") not in named:
                self._set((*account, "base_url"), environ[url], f"environment {url}")
            token = first_set(environ, section.token_variables)
            if token and not named & {(*account, "token_file"), (*account, "token_env")}:
                self._drop((*account, "token_file"))
                self._set((*account, "token_env"), token, f"environment {token}")

    def take_flags(self, overrides: Mapping[str, Any]) -> None:
        for key, value in overrides.items():
            flag = "flag --" + key.rpartition(".")[2].replace("_", "-")
            if key in ("token_file", "base_url"):
                account = self._default_account()
                if key == "token_file":
                    self._drop((*account, "token_env"))
                self._set((*account, key), value, flag)
            elif key == "runs":
                for run_id in value:
                    self._list(self._default_account(), "run", run_id, "flag --run")
            elif key == "follow":
                for text in value:
                    self._list_feed(text)
            elif key == "ndjson":
                # The name on the command line is the name of the file; [[outputs]] number theirs.
                output = {"path": value} if value == "-" else {"path": value, "naming": "fixed"}
                self._append(("outputs",), [output], "flag --ndjson")
            else:
                self._set(tuple(key.split(".")), value, _flag_name(key))

    def take_default_journal(self, environ: Mapping[str, str]) -> None:
        """Write out the path that the default stands for, so that `check` shows it."""
        if self.tree.get("journal", DEFAULT) == DEFAULT:
            directory, _ = state_directory(environ)
            self.tree["journal"] = f"{DEFAULT}{directory / 'journal.db'}"

    def validate(self) -> Settings:
        try:
            settings = Settings.model_validate(_tuples(self.tree))
        except ValidationError as error:
            problems = explain(error, self._place)
            problems.sort(key=lambda problem: self._order(problem[0]))
            raise SettingsError([text for _, text in problems]) from None
        broken = [f"{self._place(path)}: {text}" for path, text in broken_rules(settings)]
        if broken:
            raise SettingsError(broken)
        return settings

    def _accounts(self) -> list[tuple[str, str]]:
        """Name and system of each account, as far as they can be read."""
        accounts = self.tree.get("accounts")
        if not isinstance(accounts, list) or not accounts:
            accounts = [{}]
        default = default_section().model_fields["system"].default
        return [
            (str(a.get("name", "default")), str(a.get("system", default)))
            if isinstance(a, dict)
            else ("", "")
            for a in accounts
        ]

    def _default_account(self) -> Path:
        """The account that flags mean which name none; one of `system` is made if need be."""
        accounts = self._accounts()
        index = default_index(accounts, self._system)
        if index is None:
            is_first = not self.tree.get("accounts")
            index, name = (0, "default") if is_first else (len(accounts), str(self._system))
            self._set(("accounts", index, "system"), self._system, "flag --system")
            self._set(("accounts", index, "name"), name, "flag --system")
        return ("accounts", index)

    def _first_choices(self) -> list[Path]:
        """The accounts that listen to their system's variables: the default one of each system."""
        self._default_account()
        accounts = self._accounts()
        indexes = {default_index(accounts, system) for _, system in accounts}
        return [("accounts", index) for index in sorted(i for i in indexes if i is not None)]

    def _section(self, account: Path) -> type[UpstreamAccount]:
        _, system = self._accounts()[int(account[-1])]
        return section_of(system) or default_section()

    def _list_feed(self, text: str) -> None:
        """Add the feed of `--follow WHERE:KIND:ID`.

        Raises:
            ConfigError: The text has another form.
        """
        flag = "flag --follow"
        where, _, feed = text.partition(":")
        kind, colon, id_ = feed.partition(":")
        if not where or not kind or (colon and not id_):
            raise ConfigError(f"{flag} {text[:100]}: write WHERE:KIND:ID, such as default:run:ID")
        accounts = self._accounts()
        found = [i for i, (name, _) in enumerate(accounts) if name == where]
        found = found or [i for i, (_, system) in enumerate(accounts) if system == where]
        if len(found) != 1:
            names = ", ".join(name for name, _ in accounts)
            what = "several accounts are" if found else "no account is"
            cure = "give an account's name" if found else "add one under [[accounts]]"
            raise ConfigError(
                f'{flag}: {what} named or of system "{where[:50]}": {cure}; '
                f"the accounts are {names}"
            )
        try:
            self._list(("accounts", found[0]), kind, id_, flag)
        except ConfigError:
            if colon:
                raise
            raise ConfigError(
                f"{flag} {text[:100]}: write WHERE:KIND:ID, such as default:run:ID"
            ) from None

    def _list(self, account: Path, kind: str, id_: str, flag: str) -> None:
        """Add a feed to the list for its kind in its account's section.

        Raises:
            ConfigError: Settings cannot name such a feed.
        """
        try:
            key, text = self._section(account).listing(kind, id_)
        except ValueError as error:
            raise ConfigError(f"{flag}: {error}") from None
        self._append((*account, key), [text], flag)

    def _set(self, path: Path, value: object, origin: str) -> None:
        parent = self._parent(path)
        if parent is None:
            raise ConfigError(f"{origin}: there is no {dotted(path[:-1])} to set {path[-1]} of")
        parent[path[-1]] = value
        self._forget(path)
        self.origins[path] = origin

    def _append(self, path: Path, values: list[Any], origin: str) -> None:
        parent = self._parent(path)
        if parent is None or not isinstance(held := parent.setdefault(path[-1], []), list):
            return  # of the wrong type in the file: the model says so
        for value in values:
            self.origins[(*path, len(held))] = origin
            held.append(value)
        self.origins.setdefault(path, origin)

    def _drop(self, path: Path) -> None:
        parent = self._parent(path)
        if parent is not None:
            parent.pop(path[-1], None)
            self._forget(path)

    def _parent(self, path: Path) -> dict[Any, Any] | None:
        """The table that holds the last key; made when missing, None when something else is."""
        node: Any = self.tree
        for key, following in itertools.pairwise(path):
            empty: Any = [] if isinstance(following, int) else {}
            if isinstance(key, int):
                if not isinstance(node, list) or key > len(node):
                    return None
                if key == len(node):
                    node.append(empty)
                node = node[key]
            elif isinstance(node, dict):
                node = node.setdefault(key, empty)
            else:
                return None
        return node if isinstance(node, dict) else None

    def _forget(self, path: Path) -> None:
        for held in [p for p in self.origins if p[: len(path)] == path]:
            del self.origins[held]

    def _place(self, path: Path) -> str:
        """Origin of the nearest enclosing key that was set; a fault always has one."""
        return _nearest_origin(self.origins, path)

    def _order(self, path: Path) -> tuple[str, int]:
        head, _, line = self._place(path).rpartition(":")
        return head, int(line) if line.isdigit() else 0


def _nearest_origin(
    origins: Mapping[Path, str], path: Path, otherwise: str = "configuration"
) -> str:
    for end in range(len(path), 0, -1):
        if path[:end] in origins:
            return origins[path[:end]]
    return otherwise


def _read(file: FileName) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(FILE_BYTES_MAX + 1)
            is_pipe = stat.S_ISFIFO(os.fstat(opened.fileno()).st_mode)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"{file}: cannot read the configuration: {reason}") from None
    if is_pipe and not raw.strip():  # as at a reload with `--config <(command)`
        raise ConfigError(f"{file}: is a pipe that has been read already; use a file")
    if len(raw) > FILE_BYTES_MAX:
        raise ConfigError(f"{file}: longer than 1 MiB: this is no configuration file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: not UTF-8: save the file as UTF-8") from None


def _syntax_error(file: FileName, text: str, error: Exception) -> str:
    message = str(error)
    match = _TOML_PLACE.search(message)
    where = f"{text.count(chr(10)) + 1}"
    if match and match[1]:
        where = f"{match[1]}:{match[2]}"
    if match:
        reason = _TOML_PLACE.sub("", message)
    elif isinstance(error, RecursionError):
        reason = "nested too deeply"
    else:
        reason = "a number is too long"
        digits = _LONG_NUMBER.search(text)
        where = f"{text.count(chr(10), 0, digits.start()) + 1}" if digits else where
    return f"{file}:{where}: not valid TOML: {reason[:1].lower() + reason[1:]}"


def _tuples(value: Any) -> Any:
    """Lists as tuples all the way down: the model is frozen and strict."""
    if isinstance(value, dict):
        return {key: _tuples(member) for key, member in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _flag_name(key: str) -> str:
    return "flag --" + key.replace(".", "-").replace("_", "-")
