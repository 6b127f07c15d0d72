"""The one thread that owns the model: admits requests, runs prompts and steps, hands tokens out.

Each turn it drops who left or is late, admits by age, runs one bounded piece of a prompt, then one step of
all rows. Knows tickets, slots and tokens; knows no messages, files or LangChain.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from .errors import AdapterError, EngineBusy, EngineStopped, RequestTimeout
from .runner import Prompt, Runner
from .sampling import Choice, Failed, choose
from .slot_store import AdapterVersion
from .step_slots import BASE_SLOT
from .tickets import Ticket

__all__ = ["Scheduler"]

logger = logging.getLogger(__name__)

PROMPT_TOKENS_BESIDE = 128  # of prompts in one turn while rows run: what they wait for at most
PROMPT_TOKENS_ALONE = 1024
PADDING = 0.25  # of a forward of several prompts
OVERTAKING = 16  # younger requests that may pass one that waits for a slot
SOON = 0.002  # seconds
FAILED_STEPS = 3  # in a row, of all rows: the model is broken


class Residence(Protocol):
    """Where adapters are while they serve: see `SlotStore`, which is the one for slots."""

    def fetch(self, version: AdapterVersion) -> bool: ...
    def resident(self, version: AdapterVersion) -> bool: ...
    def place(self, version: AdapterVersion) -> bool: ...
    def start(self, version: AdapterVersion) -> int: ...
    def stop(self, version: AdapterVersion) -> None: ...
    def release(self, version: AdapterVersion) -> None: ...
    def sweep(self) -> None: ...


class Scheduler:
    """Serves tickets on a runner, in a thread of its own from the first ticket on.

    Args:
        runner: runs the model; this thread's alone from now on.
        store: adapters and their slots.
        ends: tokens that end an answer.
        max_queue: how many tickets may wait beside those that run.
    """

    def __init__(self, runner: Runner, store: Residence, *, ends: frozenset[int], max_queue: int) -> None:
        self.runner = runner
        self.store = store
        self.ends = ends
        self.max_queue = max_queue
        self._waiting: deque[Ticket] = deque()  # by age; guarded by _wake
        self._prompting: list[tuple[Ticket, Prompt]] = []  # admitted, their prompts on the way
        self._running: list[Ticket] = []  # by row
        self._wake = threading.Condition()
        self._stopped: EngineStopped | None = None
        self._failed_steps = 0
        self._idle_turn = False
        self._yields = False  # whether this turn's prompts are shorter ones than the oldest
        self._thread: threading.Thread | None = None

    # -- from any thread -----------------------------------------------------------------------------------

    def submit(self, ticket: Ticket) -> None:
        """Hand a ticket in, whose version is held. Raises `EngineBusy` or `EngineStopped`."""
        with self._wake:
            free = self.runner.kv.capacity - len(self._running) - len(self._prompting)
            if self._stopped is None and len(self._waiting) < self.max_queue + free:
                self._waiting.append(ticket)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._serve, name="ragweave-engine", daemon=True)
                    self._thread.start()
                self._wake.notify()
                return
            stopped, waiting = self._stopped, len(self._waiting)
        self._release(ticket)
        raise stopped or EngineBusy(
            f"{waiting} requests wait already.",
            remedy="Try again later, or give the model a longer queue (max_queue) or more rows (max_batch).",
        )

    def wake(self) -> None:
        """Look at what changed: a ticket was cancelled, an adapter unloaded."""
        with self._wake:
            self._wake.notify()

    def stop(self, *, wait: bool = True) -> None:
        """End the thread after its turn; tickets that wait or run get `EngineStopped`."""
        self._stop(EngineStopped("The engine was closed.", remedy="Make a new model."))
        thread = self._thread
        if wait and thread is not None and thread is not threading.current_thread():
            thread.join()

    @property
    def load(self) -> tuple[int, int]:
        """How many tickets run, and how many wait."""
        return len(self._running) + len(self._prompting), len(self._waiting)

    # -- the thread ----------------------------------------------------------------------------------------

    def _serve(self) -> None:
        try:
            while self._stopped is None:
                with self._wake:
                    if self._stopped is None and not (self._prompting or self._running):
                        self.store.sweep()
                        if not self._waiting:
                            self._wake.wait()
                        elif self._idle_turn:  # a file that another thread reads is all there is to wait for
                            self._wake.wait(SOON)
                self._turn()
        except Exception as error:  # whatever it is: callers get an error, not a hang
            logger.exception("the engine's thread ended")
            stopped = EngineStopped(
                f"The engine was ended by an error: {type(error).__name__}: {error}",
                remedy="Make a new model; report this if it comes back.",
            )
            stopped.__cause__ = error
            self._stop(stopped)
        self._refuse_all()

    def _turn(self) -> None:
        self._drop()
        self._admit()
        self._idle_turn = not (self._prompting or self._running)
        if self._prompting:
            self._prompt()
        if self._running:
            self._step()

    def _stop(self, reason: EngineStopped) -> None:
        with self._wake:
            self._stopped = self._stopped or reason
            started = self._thread is not None
            self._wake.notify()
        if not started:
            self._refuse_all()

    def _refuse_all(self) -> None:
        """Tell everybody first, whatever state the rows are in; then give up what they held."""
        assert self._stopped is not None
        with self._wake:
            waiting, self._waiting = list(self._waiting), deque()
        admitted = [*self._running, *(ticket for ticket, _ in self._prompting)]
        self._running, self._prompting = [], []
        for ticket in [*waiting, *admitted]:
            ticket.put(self._stopped)
        for ticket in waiting:
            self._release(ticket)
        for ticket in admitted:
            self._end(ticket)
        self.runner.clear()

    # -- who comes and goes --------------------------------------------------------------------------------

    def _drop(self) -> None:
        """Free what is cancelled or late."""
        with self._wake:
            gone = [ticket for ticket in self._waiting if ticket.cancelled or ticket.late]
            for ticket in gone:
                self._waiting.remove(ticket)
        for ticket in gone:
            self._release(ticket)
            self._say_late(ticket)
        for ticket, prompt in list(self._prompting):
            if ticket.cancelled or ticket.late:
                self._prompting.remove((ticket, prompt))
                self._end(ticket)
                self._say_late(ticket)
        for row in reversed(range(len(self._running))):
            ticket = self._running[row]
            if ticket.cancelled or ticket.late:
                self._free(row)
                self._say_late(ticket)

    def _say_late(self, ticket: Ticket) -> None:
        if ticket.late and not ticket.cancelled:
            ticket.put(
                RequestTimeout(
                    f"The answer was not finished by its deadline: {ticket.produced} tokens were.",
                    remedy="Give a longer timeout, or ask for fewer tokens.",
                )
            )

    def _admit(self) -> None:
        """Let requests in by age; one whose adapter finds no slot may be passed, but not for long."""
        room = self.runner.kv.capacity - len(self._running) - len(self._prompting)
        writes = 0
        blocked: list[Ticket] = []
        with self._wake:
            waiting = list(self._waiting)
        for ticket in waiting:
            if room == 0 or any(older.overtaken >= OVERTAKING for older in blocked):
                return
            version = ticket.version
            try:
                if version is None:
                    slot = BASE_SLOT
                elif not self.store.fetch(version):
                    continue
                else:
                    resident = self.store.resident(version)
                    if not resident and writes and self._running:
                        return  # one load a turn: rows wait for no more
                    if not self.store.place(version):
                        blocked.append(ticket)
                        continue
                    writes += not resident
                    slot = self.store.start(version)
            except Exception as error:  # damaged on disk, or no memory for it: this request's alone
                self._leave_queue(ticket)
                self._release(ticket)
                ticket.put(_as_adapter_error(error, "be loaded"))
                continue
            self._leave_queue(ticket)
            self._prompting.append((ticket, Prompt(ticket.ids, slot)))
            room -= 1
            for older in blocked:
                older.overtaken += 1

    def _leave_queue(self, ticket: Ticket) -> None:
        with self._wake:
            self._waiting.remove(ticket)

    def _release(self, ticket: Ticket) -> None:
        if ticket.version is not None:
            self.store.release(ticket.version)

    def _end(self, ticket: Ticket) -> None:
        if ticket.version is not None:
            self.store.stop(ticket.version)
            self.store.release(ticket.version)

    def _free(self, row: int) -> None:
        ticket = self._running[row]
        self.runner.remove(row)
        last = self._running.pop()
        if row < len(self._running):
            self._running[row] = last
        self._end(ticket)

    # -- prompts -------------------------------------------------------------------------------------------

    def _prompt(self) -> None:
        """One forward of prompts: a piece of a long one, or several short ones."""
        budget = PROMPT_TOKENS_BESIDE if self._running else PROMPT_TOKENS_ALONE
        group = self._group(budget)
        if not self._read_prompts(group, budget) and len(group) > 1:
            for member in group:  # one of them is to blame: each alone
                self._read_prompts([member], budget)

    def _read_prompts(self, group: list[tuple[Ticket, Prompt]], budget: int) -> bool:
        """Let prompts of one forward run; False where it failed for several, whose state is as before."""
        try:
            if group[0][1].left > budget or group[0][1].done:
                logits = self.runner.extend(group[0][1], budget)
                if group[0][1].left:
                    return True
                held = [self.runner.held(group[0][1])]
            else:
                logits, held = self.runner.prefill([prompt for _, prompt in group])
        except Exception as error:  # out of memory, a layer that fails: these requests' alone
            if len(group) == 1:
                self._fail_prompt(group[0], error)
            return False
        first, kept = len(self._running), []
        for index, ((ticket, prompt), each) in enumerate(zip(group, held, strict=True)):
            try:
                self.runner.append(each, prompt.slot)
            except Exception as error:  # no memory for one more row: the others have theirs
                self._fail_prompt((ticket, prompt), error)
                continue
            kept.append(index)
            self._prompting.remove((ticket, prompt))
            self._running.append(ticket)
        if kept:
            self._deliver(logits[kept], first)
        return True

    def _fail_prompt(self, member: tuple[Ticket, Prompt], error: Exception) -> None:
        self._prompting.remove(member)
        self._end(member[0])
        member[0].put(_as_adapter_error(error, "read its prompt"))

    def _group(self, budget: int) -> list[tuple[Ticket, Prompt]]:
        """The oldest prompt, and others of about its length as far as the budget goes.

        A prompt that takes several turns gives every second one to those that take one.
        """
        first = self._prompting[0]
        if first[1].left > budget or first[1].done:
            short = [member for member in self._prompting if member[1].left <= budget and not member[1].done]
            self._yields = not self._yields and bool(short)
            if not self._yields:
                return [first]
            first = short[0]
        group, longest, total = [first], first[1].left, first[1].left
        for member in self._prompting:
            wide = max(longest, member[1].left)
            padded = wide * (len(group) + 1)
            if (
                member is first
                or member[1].done
                or padded > budget
                or padded * (1 - PADDING) > total + member[1].left
            ):
                continue
            group.append(member)
            longest, total = wide, total + member[1].left
        return sorted(group, key=lambda member: member[1].slot)  # neighbours of one adapter run as one

    # -- steps ---------------------------------------------------------------------------------------------

    def _step(self) -> None:
        try:
            logits = self.runner.decode([ticket.last for ticket in self._running])
        except Exception as error:  # one row's, as a rule: found by running each alone
            self._step_by_row(error)
            return
        self.runner.advance()
        self._failed_steps = 0
        self._deliver(logits, 0)

    def _step_by_row(self, error: Exception) -> None:
        """A step failed and changed nothing: run each row alone, so that only the culprit fails."""
        logger.warning("a step of %d rows failed; running each alone", len(self._running), exc_info=error)
        outcomes: list[Tensor | Exception] = []
        for row, ticket in enumerate(self._running):
            try:
                outcomes.append(self.runner.decode_row(row, ticket.last))
            except Exception as alone:
                outcomes.append(alone)
        if all(isinstance(outcome, Exception) for outcome in outcomes) and not self.runner.works():
            self._failed_steps += 1
            if self._failed_steps >= FAILED_STEPS:
                raise error
        self.runner.advance()
        for row in reversed(range(len(outcomes))):
            outcome = outcomes[row]
            if isinstance(outcome, Exception):
                self._fail(row, outcome)
        kept = [outcome for outcome in outcomes if isinstance(outcome, Tensor)]
        if kept:
            self._deliver(torch.cat(self._by_row(outcomes)), 0)

    def _by_row(self, outcomes: Sequence[Any]) -> list[Tensor]:
        """The logits in the order of the rows that are left, after `_fail` moved last rows into gaps."""
        rows: list[Any] = list(outcomes)
        for row in reversed(range(len(rows))):
            if isinstance(rows[row], Exception):
                last = rows.pop()
                if row < len(rows):
                    rows[row] = last
        return rows

    def _deliver(self, logits: Tensor, first: int) -> None:
        """Choose a token for each row from `first` on, and hand it out."""
        tickets = self._running[first:]
        choices = _chosen(logits, tickets)
        for offset in reversed(range(len(tickets))):
            self._hand_out(first + offset, tickets[offset], choices[offset])

    def _hand_out(self, row: int, ticket: Ticket, choice: Choice | Failed) -> None:
        if isinstance(choice, Failed):
            self._fail(row, choice.error)
            return
        try:
            piece = ticket.take(choice, self.ends)
        except Exception as error:  # a tokenizer's or grammar's: this request's alone
            self._fail(row, error)
            return
        if piece.finish_reason is not None:
            self._free(row)
        ticket.put(piece)

    def _fail(self, row: int, error: Exception) -> None:
        ticket = self._running[row]
        self._free(row)
        ticket.put(_as_adapter_error(error, "be answered"))


def _chosen(logits: Tensor, tickets: Sequence[Ticket]) -> list[Choice | Failed]:
    """Each row's token; where choosing for all fails (memory, say), each row's own success or failure."""
    try:
        return choose(logits, [ticket.chooser for ticket in tickets])
    except Exception as error:
        if len(tickets) == 1:
            return [Failed(error)]
        return [_chosen(logits[row : row + 1], [ticket])[0] for row, ticket in enumerate(tickets)]


def _as_adapter_error(error: Exception, what: str) -> Exception:
    if isinstance(error, AdapterError):
        return error
    failed = AdapterError(
        f"The request could not {what}: {type(error).__name__}: {error}",
        remedy="Others were not touched. Try again, with a shorter prompt if memory was short.",
    )
    failed.__cause__ = error
    return failed
