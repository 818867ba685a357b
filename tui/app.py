"""The application: keys in, messages in; the shell and its commands do the rest."""

from __future__ import annotations

import gc
from inspect import isawaitable

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from storage.errors import MidwatchError, RefusedError
from tui import jobs, panes
from tui.actions import ACTIONS, BY_ID
from tui.commands import Commands
from tui.messages import Done, Failed, StoreChanged, Unread
from tui.screens.sheet import Sheet
from tui.widgets.prompt import Prompt

POLL_SECONDS = 1.0
"""How often the store is asked whether another process wrote to it."""

OBSERVE_SECONDS = 60.0
"""How often the program looks for what nobody tells it: data that does not come, pages that nobody answers."""

_BINDINGS: list[BindingType] = [
    *(
        Binding(",".join(action.keys), f"do('{action.id}')", action.label, show=False, id=action.id)
        for action in ACTIONS
    ),
    *(Binding(key, f"pane('{pane}')", pane, show=False, id=f"pane-{pane}") for pane, key in panes.NUMBERS.items()),
    Binding("ctrl+c", "how_to_quit", show=False, id="how-to-quit"),
]


class MidwatchApp(Commands):
    """The screen of midwatch.

    Args:
        services: the outside, as callables.
        read_only: why writes can't be unlocked (``--read-only`` or no permission); empty when ``W`` can.
        locked: start read-only; a production model in the store does that.
        specs: the panes; the registry's unless a test brings its own.
        driver_class: the terminal driver.
    """

    BINDINGS = _BINDINGS

    async def begin(self) -> None:
        """The first pane, then the watch on the store; called by the screen once its parts are there."""
        self._begun = True
        if self.specs:
            await self.action_pane(self.specs[0].id)
        self.call_after_refresh(self._first_keys)
        self.call_after_refresh(self._recover)
        self.call_after_refresh(self._collect_garbage)
        self.call_after_refresh(self._observe)
        self.attempt(self._start_watch)
        self.set_interval(POLL_SECONDS, self._poll)
        self.set_interval(OBSERVE_SECONDS, self._observe)

    def _collect_garbage(self) -> None:
        """From the first paint on."""
        gc.enable()

    async def _first_keys(self) -> None:
        """Keys typed while the program started, now that there is a list to use them on."""
        early, self._early = self._early or [], None
        for event in early:
            await self.on_event(event)

    def _recover(self) -> None:
        """What a crash left open is ended by asking the world, after the first paint."""
        work = self.services.recover
        if work is not None:
            self.say("a rollback or a promotion was left open: asking the world how it ended ...")
            jobs.start(
                self.screen_stack[0],
                "recovery",
                work,
                connect=self.services.connect,
                then=self._recovered,
                records=True,
            )

    def _observe(self) -> None:
        """What the program sees by itself is recorded in a read-only screen too, where the file may be written."""
        if self.services.observe is not None:
            start, observe, now = self.screen_stack[0], self.services.observe, self.services.now()
            jobs.start(start, "observation", lambda db: observe(db, now), connect=self.services.connect, records=True)

    def _recovered(self, told: str) -> None:
        self.say(told or "a rollback is still open: it is under way elsewhere, or no log has shown it yet")

    def on_unmount(self) -> None:
        """Close the screen's connections."""
        if self._watch is not None:
            self._watch.close()
        if self._db is not None:
            self._db.close()

    def _start_watch(self) -> None:
        self._watch = jobs.StoreWatch(self.services.reader())

    # -- keys ---------------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Keep an unarmed sheet's keys away from it, in the order of the input bytes.

        The terminal's answer comes through the same queue as the keys, so all that was typed before it is dropped
        here and all that was typed after it arrives.
        """
        if self._early is not None and isinstance(event, events.Key) and not event.is_forwarded:
            self._early.append(event)
            return
        sheet = self.screen if self.screen_stack and isinstance(self.screen, Sheet) else None
        if isinstance(event, events.CursorPosition):
            if sheet is not None:
                sheet.answered(event.y + 1, event.x + 1)
            return
        if sheet is not None and not sheet.armed and not event.is_forwarded:
            scrolls = ("escape", "ctrl+c", "up", "down", "pageup", "pagedown")
            if isinstance(event, events.Paste) or (isinstance(event, events.Key) and event.key not in scrolls):
                return
        if isinstance(event, events.Key) and not event.is_forwarded and await self._acts_now(event.key):
            return
        await super().on_event(event)

    async def _acts_now(self, key: str) -> bool:
        """Run a key's action in the order of the input bytes; False when the key belongs to a sheet or the prompt.

        Textual hands a key to the list and runs its action when it has come back: by then the rest of a burst such as
        ``:q`` has gone to the list as well, and would act there instead of being typed into the prompt.
        """
        if not self._begun or isinstance(self.screen, ModalScreen) or self._main.query_one(Prompt).is_open:
            return False
        return await self._check_bindings(key)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hidden where it does not apply, disabled while the screen is read-only."""
        if action == "pane":
            return any(spec.id == parameters[0] for spec in self.specs)
        if action != "do":
            return True
        wanted = BY_ID[str(parameters[0])]
        if wanted not in self.here():
            return False
        return None if wanted.mutating and self.writes.refusal(wanted.label, self.now()) else True

    async def action_do(self, name: str) -> None:
        """An action of ACTIONS: the shell's own, else the pane's method."""
        action, pane = BY_ID[name], self.pane
        if pane is None or action not in self.here():
            return
        refused = self.writes.refusal(action.label.capitalize(), self.now()) if action.mutating else ""
        if refused:
            self.fail(RefusedError(refused))
        elif action.built_in:
            if isawaitable(answer := getattr(self, f"shell_{name}")()):
                await answer
        else:
            self.say("")
            self.attempt(lambda: pane.answer(name))

    def on_key(self, event: events.Key) -> None:
        """A key that nothing took: if it is a refused action, say why."""
        if isinstance(self.screen, ModalScreen) or self._main.query_one(Prompt).is_open:
            return
        refused = [action for action in self.here() if action.mutating and event.key in action.keys]
        if refused and (reason := self.writes.refusal(refused[0].label.capitalize(), self.now())):
            self.fail(RefusedError(reason))
        elif event.is_printable and event.character != " ":
            self.say(f"{event.character} does nothing here; ? shows the keys that do")

    def action_how_to_quit(self) -> None:
        """Never quits by itself."""
        self.say("q goes back, and from the first pane quits; :q quits from anywhere.")

    # -- jobs and the store -------------------------------------------------------------------------------------

    def on_done(self, event: Done) -> None:
        """A job ended: its starter goes on, and what it wrote is shown at once."""
        if event.then is not None and event.starter.is_attached:
            then, result = event.then, event.result
            self.attempt(lambda: then(result))
        self._poll()

    def on_failed(self, event: Failed) -> None:
        """A job failed: one sentence, and its starter is told."""
        self.fail(event.error)
        if event.instead is not None and event.starter.is_attached:
            event.instead(event.error)
        self._poll()

    def on_unread(self, event: Unread) -> None:
        """A list could not read its rows while it was drawn."""
        self.fail(event.error if isinstance(event.error, MidwatchError) else jobs.sentence(event.error))

    def _poll(self) -> None:
        version = None if self._watch is None else self._watch.changed()
        if version is not None:
            self.post_message(StoreChanged(version))

    def on_store_changed(self) -> None:
        """Another connection wrote: show it."""
        self.refresh_data()
