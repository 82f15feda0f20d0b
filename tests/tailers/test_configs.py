"""The shipped configurations parse, use keys that exist, and match the bridge's names."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.outputs.sinks.files.layout import COMPRESSED, Layout, Names
from bridge.wire.ndjson import LINE_BYTES_DEFAULT
from tests.tailers.programs import LOGS, TAILERS, UNPACKED, find

NUMBERED = f"{LOGS}/events.*.ndjson"
FIXED = f"{LOGS}/events.ndjson"
FILES = sorted(path for path in TAILERS.iterdir() if path.is_file() and path.name != "README.md")
WITH_PATHS = [path for path in FILES if path.name != "fluent-bit-parsers.conf"]
FLUENT_BIT_KEYS = {
    "service": {"flush", "parsers_file", "storage.path"},
    "tail": {
        "name", "tag", "path", "db", "read_from_head", "refresh_interval", "rotate_wait",
        "buffer_chunk_size", "buffer_max_size", "skip_long_lines", "mem_buf_limit",
        "storage.type", "parser",
    },
    "loki": {
        "name", "match", "host", "port", "labels", "label_keys", "line_format", "retry_limit",
    },
}  # fmt: skip
# src/sources/file.rs and src/sinks/loki/config.rs of Vector: both refuse keys they do not know.
VECTOR_FILE_KEYS = {
    "type", "include", "exclude", "read_from", "glob_minimum_cooldown_ms", "max_line_bytes",
    "oldest_first", "fingerprint", "data_dir", "ignore_older_secs", "ignore_checkpoints",
}  # fmt: skip
VECTOR_LOKI_KEYS = {
    "type", "inputs", "endpoint", "encoding", "out_of_order_action", "acknowledgements", "buffer",
    "labels", "structured_metadata",
}  # fmt: skip
LABELS = {"job", "account", "type"}


def text_of(name: str) -> str:
    return (TAILERS / name).read_text()


def classic(name: str) -> list[tuple[str, dict[str, str]]]:
    """Sections of Fluent Bit's own format, keys in lower case."""
    sections: list[tuple[str, dict[str, str]]] = []
    for line in map(str.strip, text_of(name).splitlines()):
        if not line or line.startswith("#"):
            continue
        if head := re.fullmatch(r"\[([A-Z]+)\]", line):
            sections.append((head[1].lower(), {}))
        else:
            key, value = line.split(None, 1)
            assert key.lower() not in sections[-1][1], f"{name}: {key} twice"
            sections[-1][1][key.lower()] = value.strip()
    return sections


def bytes_of(text: str) -> int:
    """`64k`, `65536`, `"64k"`."""
    number, unit = re.fullmatch(r"([0-9]+)([kKmM]?)", text).groups()
    return int(number) * {"": 1, "k": 1024, "m": 1024**2}[unit.lower()]


@pytest.mark.parametrize("path", WITH_PATHS, ids=lambda path: path.name)
def test_patterns_match_what_the_bridge_writes_and_nothing_else(path: Path) -> None:
    layout = Layout(Path(FIXED))
    file = Names(layout).numbered(1)
    code = "\n".join(
        line for line in path.read_text().splitlines() if not line.strip().startswith(("#", "//"))
    )
    patterns = {
        found for found in re.findall(rf"{LOGS}/[\w.*-]+", code) if found.endswith("ndjson")
    }
    if path.name == "syslog-ng.conf":  # directory and pattern apart
        assert f'base-dir("{LOGS}")' in code
        patterns = {f"{LOGS}/" + re.search(r'filename-pattern\("(.+?)"\)', code)[1]}
    assert patterns == {NUMBERED}
    assert fnmatch.fnmatch(str(file), NUMBERED)
    assert fnmatch.fnmatch(str(Names(layout).numbered(1_234_567)), NUMBERED)
    for extension in COMPRESSED:
        assert not fnmatch.fnmatch(f"{file}{extension}", NUMBERED)
        assert not fnmatch.fnmatch(f"{LOGS}/.{file.name}{extension}.part", NUMBERED)
    if path.name != "filebeat.yml":
        assert FIXED in path.read_text(), "it does not say what to change for naming = fixed"
    else:
        assert f"{FIXED}.*" in path.read_text()


def test_fluent_bit_knows_every_key_and_takes_a_longest_line() -> None:
    sections = classic("fluent-bit.conf")
    assert [name for name, _ in sections] == ["service", "input", "output"]
    for name, keys in sections:
        assert set(keys) == FLUENT_BIT_KEYS[keys.get("name", name)]
    tail = sections[1][1]
    assert bytes_of(tail["buffer_max_size"]) > LINE_BYTES_DEFAULT * 2
    assert tail["parser"] == classic("fluent-bit-parsers.conf")[0][1]["name"]
    assert set(sections[2][1]["label_keys"].replace("$", "").split(",")) == LABELS - {"job"}


def test_fluent_bits_two_forms_say_the_same() -> None:
    def plain(value: Any) -> str:
        if isinstance(value, bool):
            return "on" if value else "false"
        return str(value).lower()

    document = yaml.safe_load(text_of("fluent-bit.yaml"))
    forms = [document["service"], *document["pipeline"]["inputs"], *document["pipeline"]["outputs"]]
    as_yaml = [{key: plain(value) for key, value in form.items()} for form in forms]
    as_text = [
        {key: value.lower() for key, value in keys.items()}
        for _, keys in classic("fluent-bit.conf")
    ]
    assert as_yaml == as_text


def test_vector() -> None:
    config = tomllib.loads(text_of("vector.toml"))
    (source,) = config["sources"].values()
    (transform,) = config["transforms"].values()
    (sink,) = config["sinks"].values()
    assert set(source) <= VECTOR_FILE_KEYS
    assert set(sink) <= VECTOR_LOKI_KEYS
    assert source["max_line_bytes"] > LINE_BYTES_DEFAULT
    assert transform["inputs"] == list(config["sources"])
    assert sink["inputs"] == list(config["transforms"])
    assert set(sink["labels"]) == LABELS
    assert ".recordedtime" in transform["source"]


def test_filebeat() -> None:
    config = yaml.safe_load(text_of("filebeat.yml"))
    (reader,) = config["filebeat.inputs"]
    assert set(reader) == {
        "type", "id", "paths", "prospector.scanner.exclude_files", "message_max_bytes", "parsers",
        "prospector.scanner.check_interval", "prospector.scanner.fingerprint",
        "file_identity.fingerprint",
    }  # fmt: skip
    assert reader["message_max_bytes"] > LINE_BYTES_DEFAULT
    # Elastic's least is 64 bytes; id and source of the first record must be among them, and no file
    # with one record may be shorter.
    length = reader["prospector.scanner.fingerprint"]["length"]
    run = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"
    start = f'{{"specversion":"1.0","id":"{run}","source":"/mogplex/{"a" * 64}/runs/{run}"'
    assert len(start) <= length <= 400
    for extension in COMPRESSED:
        name = f"events.000001.ndjson{extension}"
        assert any(re.search(x, name) for x in reader["prospector.scanner.exclude_files"])
    target = reader["parsers"][0]["ndjson"]["target"]
    timestamp, fingerprint = (next(iter(p.values())) for p in config["processors"])
    assert timestamp["field"] == f"{target}.time"
    assert fingerprint["fields"] == [f"{target}.source", f"{target}.id"]


def test_promtail() -> None:
    config = yaml.safe_load(text_of("promtail.yaml"))
    assert set(config) == {
        "server", "positions", "target_config", "clients", "scrape_configs",
    }  # fmt: skip
    (job,) = config["scrape_configs"]
    stages = {name: stage for entry in job["pipeline_stages"] for name, stage in entry.items()}
    labels = set(job["static_configs"][0]["labels"]) - {"__path__"}
    assert labels | set(stages["labels"]) == LABELS
    assert stages["labeldrop"] == ["filename"]
    used = {
        *stages["labels"],
        *stages["structured_metadata"].values(),
        stages["timestamp"]["source"],
    }
    assert used == set(stages["json"]["expressions"])


def test_alloy() -> None:
    text = re.sub(r"//.*", lambda m: m[0] if '"' in m[0] else "", text_of("config.alloy"))
    for opening, closing in ("{}", "[]", "()"):
        assert text.count(opening) == text.count(closing)
    components = {
        f"{kind}.{label}" for kind, label in re.findall(r'^([a-z_.]+) "(\w+)" \{', text, re.M)
    }
    assert components == {
        "local.file_match.mogplex_bridge", "loki.source.file.mogplex_bridge",
        "loki.process.mogplex_bridge", "loki.write.default",
    }  # fmt: skip
    uses = re.findall(r"\b((?:local|loki)\.[\w.]+?)\.(targets|receiver)\b", text)
    assert {component for component, _ in uses} == components - {"loki.source.file.mogplex_bridge"}
    stages = re.findall(r"^  stage\.(\w+) \{", text, re.M)
    assert stages == ["json", "timestamp", "labels", "structured_metadata", "label_drop"]
    labels = re.search(r"stage\.labels \{\s+values = \{(.*?)\}", text, re.S)[1]
    assert set(re.findall(r"(\w+)\s+=", labels)) == LABELS - {"job"}
    assert 'values = ["filename"]' in text


def test_rsyslog_says_nothing_against_it() -> None:
    command = [find("rsyslogd", "apt-get install rsyslog"), "-N1", "-f", TAILERS / "rsyslog.conf"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 0, result.stderr
    assert not re.search("error|warning|unknown", result.stderr), result.stderr
    size = re.search(r'maxMessageSize="(\w+)"', text_of("rsyslog.conf"))[1]
    assert bytes_of(size) > LINE_BYTES_DEFAULT


def test_syslog_ng_says_nothing_against_it(tmp_path: Path) -> None:
    program = find("syslog-ng", f"tests/tailers/unpack-syslog-ng {UNPACKED}")
    command = [program, "-s", "-f", TAILERS / "syslog-ng.conf", "-R", tmp_path / "persist"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")
    size = re.search(r"log-msg-size\((\d+)\)", text_of("syslog-ng.conf"))[1]
    assert int(size) > LINE_BYTES_DEFAULT


def test_every_file_is_in_the_readme() -> None:
    readme = text_of("README.md")
    assert [path.name for path in FILES if f"({path.name})" not in readme] == []
