"""Control requests about runs and tokens: JSON to calls, with every key checked."""

from __future__ import annotations

from typing import Any

from bridge.simulator.kit.control import ID, Control, Row
from bridge.simulator.kit.fields import FieldError, Fields
from bridge.simulator.kit.ids import is_uuid
from bridge.simulator.kit.mistakes import NotFoundError
from bridge.simulator.kit.times import parse_time
from bridge.simulator.kit.tokens import token_hash
from bridge.simulator.mogplex.knobs import VARIANT_NAMES, Knobs
from bridge.simulator.mogplex.lifecycle import TERMINAL_ORDERS
from bridge.simulator.mogplex.script import EVENTS_MIN, Step
from bridge.simulator.mogplex.service import Runs
from bridge.simulator.mogplex.store import EVENTS_MAX, Draft, Run
from bridge.simulator.mogplex.tokens import SCOPES, Rights
from bridge.simulator.mogplex.truth import truth_of
from bridge.simulator.mogplex.variants import VARIANTS

RUNS_PER_CALL_MAX = 10_000
EVENTS_PER_CALL_MAX = 100_000
AGE_S_MAX = 30 * 86_400.0
OUTCOMES = ("success", "failed", "cancelled")
# Key of the control API -> attribute of Run.
_COLUMNS = {
    "harness": "harness",
    "repoId": "repo_id",
    "sandboxId": "sandbox_id",
    "rootDirectory": "root_directory",
    "workingBranch": "working_branch",
    "baseBranch": "base_branch",
    "terminalCommitSha": "commit_sha",
}


class RunControl(Control):
    """The routes of the runs. An action takes the run and the fields of the body."""

    def __init__(self, service: Runs, *, allow_remote: bool) -> None:
        self._sim = service
        one = f"/runs/{ID}"
        rows: list[Row] = [
            ("POST", "/tokens", self.set_token),
            ("GET", "/runs", self.list),
            ("POST", "/runs", self.create),
            ("GET", one, self.show),
            ("PATCH", one, self.change),
            ("DELETE", one, self.delete),
            ("POST", one + "/events", self.append),
            ("POST", one + "/play", self.play),
            ("POST", one + "/finish", self.finish),
            ("POST", one + "/pause", self.pause),
            ("POST", one + "/resume", self.resume),
            ("POST", one + "/cancel", self.cancel),
            ("GET", one + "/truth", self.truth),
        ]
        super().__init__(service, rows, self._run, allow_remote=allow_remote)

    def _run(self, run_id: str) -> Run:
        run = self._sim.world.store.runs.get(run_id.lower())
        if run is None:
            raise NotFoundError(f"no run {run_id!r}")
        return run

    # -- runs

    def list(self, fields: Fields) -> Any:
        """Show all runs, oldest first, without their events."""
        fields.done()
        return {
            "runs": [
                {
                    "runId": run.id,
                    "status": run.status,
                    "events": len(run.commits),
                    "harness": run.harness,
                }
                for run in self._sim.world.store.runs.values()
            ]
        }

    def create(self, fields: Fields) -> Any:
        """One or many runs: empty, with events, playing a lifelike script, or a timeline."""
        count = fields.integer("count", 1, RUNS_PER_CALL_MAX)
        events = fields.integer("events", 0, EVENTS_PER_CALL_MAX)
        run_id = fields.text("runId")
        status = fields.text("status")
        overrides = Knobs.checked_for_feed(fields.mapping("knobs") or {})
        columns = _columns(fields)
        shape = _shape(fields.mapping("play"))
        timeline = _timeline(fields.items("timeline"))
        fields.done()
        if run_id is not None and not is_uuid(run_id):
            raise fields.error("runId", f"must be a UUID, got {run_id!r}")
        if run_id is not None and (count or 1) > 1:
            raise fields.error("count", "must be 1 where runId is given")
        runs = []
        for _ in range(count or 1):
            run = self._sim.create_run(
                events=events or 0,
                status=status,
                run_id=run_id.lower() if run_id else None,
                knobs=overrides,
                **columns,
            )
            if shape is not None:
                self._sim.director.play_lifelike(run, **shape)
            if timeline is not None:
                self._sim.director.play(run, timeline, speed=1.0)
            runs.append(run)
        return {"runs": [self._object(run) for run in runs]}

    def show(self, run: Run, fields: Fields) -> Any:
        """Show one run as the API does, with its number of events and its own knobs."""
        fields.done()
        return {"run": self._object(run), "events": len(run.commits), "knobs": run.overrides}

    def change(self, run: Run, fields: Fields) -> Any:
        """Status, error and other columns of the row, and the run's own knobs."""
        status = fields.text("status")
        error = fields.text("error")
        overrides = Knobs.checked_for_feed(fields.mapping("knobs") or {})
        columns = _columns(fields)
        fields.done()
        for name, value in columns.items():
            setattr(run, name, value)
        run.overrides.update(overrides)
        if status is not None or error is not None or columns:
            self._sim.set_status(run, status or run.status, error)
        return {"run": self._object(run)}

    def delete(self, run: Run, fields: Fields) -> Any:
        """Delete a run and stop its script, as if it had never been."""
        fields.done()
        self._sim.director.forget(run)
        del self._sim.world.store.runs[run.id]
        return {}

    def append(self, run: Run, fields: Fields) -> Any:
        """Append given events, made-up ones, or one of the traps."""
        given = fields.items("events")
        count = fields.integer("generate", 1, EVENTS_PER_CALL_MAX)
        variant = fields.text("variant", VARIANT_NAMES)
        created_at = _time(fields, "createdAt")
        commit_after_s = fields.number("commit_after_s", 0.0, AGE_S_MAX)
        fields.done()
        if sum(each is not None for each in (given, count, variant)) != 1:
            raise FieldError("body: give exactly one of 'events', 'generate' and 'variant'")
        if given is not None:
            parsed = [_event(item, f"events[{index}]") for index, item in enumerate(given)]
        elif count is not None:
            parsed = [(draft, None, None) for draft in self._sim.director.made_up(run, count)]
        else:
            parsed = [(VARIANTS[variant or ""](), None, None)]
        stored = []
        for draft, event_id, created_us in parsed:
            stored += self._sim.world.lifecycle.append(
                run,
                [draft],
                event_id=event_id,
                created_us=created_at if created_us is None else created_us,
                commit_after_s=commit_after_s,
            )
        return {"ids": [event.id for event in stored], "held": len(run.held)}

    def play(self, run: Run, fields: Fields) -> Any:
        """Let a run play a lifelike script; see `Director.play_lifelike`."""
        shape = _shape(fields.rest()) or {}
        self._sim.director.play_lifelike(run, **shape)
        return {"run": self._object(run)}

    def finish(self, run: Run, fields: Fields) -> Any:
        """End a run with a status; `order` and `gap_s` override the knobs."""
        status = fields.text("status", OUTCOMES) or "success"
        order = fields.text("order", TERMINAL_ORDERS)
        error = fields.text("error")
        gap_s = fields.number("gap_s", 0.0, AGE_S_MAX)
        fields.done()
        self._sim.finish(run, status, order=order, error=error, gap_s=gap_s)
        return {"run": self._object(run)}

    def pause(self, run: Run, fields: Fields) -> Any:
        """Pause a run at a checkpoint."""
        fields.done()
        self._sim.pause(run)
        return {"run": self._object(run)}

    def resume(self, run: Run, fields: Fields) -> Any:
        """Resume a paused run as a new segment."""
        fields.done()
        self._sim.resume(run)
        return {"run": self._object(run)}

    def cancel(self, run: Run, fields: Fields) -> Any:
        """What POST cancel would do."""
        fields.done()
        if not run.is_terminal:
            self._sim.world.lifecycle.cancel(run)
        return {"run": self._object(run)}

    def truth(self, run: Run, fields: Fields) -> Any:
        """Show every event and status that the run ever had; see truth.py."""
        fields.done()
        return truth_of(run, self._sim.world.lifecycle.knobs_of(run))

    def _object(self, run: Run) -> dict[str, Any]:
        return run.object(self._sim.world.lifecycle.knobs_of(run).time_format)

    # -- tokens

    def set_token(self, fields: Fields) -> Any:
        """Give a token its validity, scopes and metering; shows its hash."""
        token = fields.need_text("token")
        valid = fields.flag("valid")
        scopes = fields.items("scopes")
        metered = fields.flag("metered")
        fields.done()
        if scopes is not None and any(scope not in SCOPES for scope in scopes):
            raise fields.error("scopes", f"takes a list out of {', '.join(SCOPES)}, got {scopes!r}")
        rights = Rights(
            valid=valid is not False,
            scopes=SCOPES if scopes is None else tuple(scopes),
            metered=metered is not False,
        )
        self._sim.world.tokens.set(token, rights)
        return {"token": token_hash(token)}


def _columns(fields: Fields) -> dict[str, Any]:
    taken = {column: fields.text(key) for key, column in _COLUMNS.items()}
    return {column: value for column, value in taken.items() if value is not None}


def _time(fields: Fields, name: str) -> int | None:
    text = fields.text(name)
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise fields.error(name, f"is no time: {error}") from None


def _event(value: object, where: str) -> tuple[Draft, str | None, int | None]:
    """(event, id, createdAt in µs) of one raw object."""
    fields = Fields(value, where)
    draft = Draft(
        type=fields.need_text("type"),
        tool_name=fields.text("toolName"),
        message=fields.text("message"),
        payload=fields.mapping("payload") or {},
    )
    if not draft.type.isprintable():
        raise fields.error("type", "must be one line of text: it becomes the name of a frame")
    event_id = fields.text("id")
    created_us = _time(fields, "createdAt")
    fields.done()
    if event_id is not None and not is_uuid(event_id):
        raise fields.error("id", f"must be a UUID, got {event_id!r}")
    return draft, event_id, created_us


def _shape(value: object) -> dict[str, Any] | None:
    """Arguments of `Director.play_lifelike`."""
    if value is None:
        return None
    fields = Fields(value, "play")
    shape = {
        "events": fields.integer("events", EVENTS_MIN, EVENTS_MAX),
        "duration_s": fields.number("duration_s", 0.0, AGE_S_MAX),
        "outcome": fields.text("outcome", OUTCOMES),
        "order": fields.text("order", TERMINAL_ORDERS),
        "speed": fields.number("speed", 1e-3, 1e6),
    }
    fields.done()
    return {name: given for name, given in shape.items() if given is not None}


def _timeline(items: list[Any] | None) -> list[Step] | None:
    """Steps in order of `at_s`; equal times keep their order."""
    if items is None:
        return None
    steps = []
    for index, item in enumerate(items):
        where = f"timeline[{index}]"
        fields = Fields(item, where)
        events = fields.items("events") or []
        drafts = []
        for place, value in enumerate(events):
            draft, event_id, created_us = _event(value, f"{where}.events[{place}]")
            if event_id is not None or created_us is not None:
                raise FieldError(f"{where}.events[{place}]: no 'id' or 'createdAt' in a timeline")
            drafts.append(draft)
        steps.append(
            Step(
                at_s=fields.number("at_s", 0.0, AGE_S_MAX) or 0.0,
                drafts=tuple(drafts),
                status=fields.text("status"),
                error=fields.text("error"),
                finish=fields.text("finish", OUTCOMES),
                order=fields.text("order", TERMINAL_ORDERS),
                cancel=fields.flag("cancel") or False,
                pause=fields.flag("pause") or False,
                resume=fields.flag("resume") or False,
            )
        )
        fields.done()
    return sorted(steps, key=lambda step: step.at_s)
