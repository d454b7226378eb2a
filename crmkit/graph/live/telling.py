"""What one subscription tells: of which events, and what somebody hears of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.engine.live import occasions
from crmkit.graph.errors import formatted
from crmkit.graph.live.line import json_text
from crmkit.graph.observers import Note
from crmkit.store.tally import TALLY
from crmkit.values.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from crmkit.engine import fields as f
    from crmkit.engine.live import Occasion
    from crmkit.engine.plans import Plans
    from crmkit.graph.documents import Wanted
    from crmkit.graph.run import Run
    from crmkit.graph.schema import Schema
    from crmkit.host.actors import Actor
    from crmkit.host.host import Host
    from crmkit.store.feed import Happening


class Telling:
    """One subscription, for whoever asks for it."""

    def __init__(self, schema: Schema, host: Host, plans: Plans | None, wanted: Wanted) -> None:
        self._schema, self._host, self._plans = schema, host, plans
        self.wanted = wanted
        self._source: f.LiveOf | None = None
        self._prefix = ""
        self._calls = False

    def check(self, actor: Actor, note: Note) -> None:
        """Plans it for somebody, so that he hears at once what is wrong.

        Raises:
            GraphQLError: Its variables do not fit, or its directives leave nothing of it.
            Failure: He may not ask for it, or it cannot be planned.
        """
        self._source, self._calls = self._run(actor, note).told_of()
        self._prefix = self._schema.registry.spec(self._source.node).prefix

    def is_about(self, event: str) -> bool:
        """Whether it tells of events of this name."""
        source = self._source
        return source is not None and (event in source.on or event in source.gone)

    def occasions(self, happening: Happening) -> Iterator[Occasion]:
        """What an event tells of, in parts that one answer holds."""
        assert self._source is not None  # noqa: S101  it was checked before anybody joined
        said = {"record": happening.record, **happening.payload}
        yield from occasions(self._source, self._prefix, happening.name, happening.at, said)

    def alike(self, actor: Actor) -> Hashable:
        """Those who hear the same have the same."""
        own = actor.id if self._calls else None  # Functions of plugins may look who asks.
        return actor.rights, tuple(sorted(actor.values.items())), own

    async def said(self, actor: Actor, occasion: Occasion) -> str | None:
        """The answer that somebody hears, as JSON; None where nothing of it is for him.

        Raises:
            Forbidden: He may not ask for it any more.
        """
        note = Note(new_id("request"), actor)
        TALLY.set(note)
        run = self._run(actor, note)
        data = await run.tell(occasion)
        if data is None and not run.errors:
            return None
        answer: dict[str, Any] = {"data": data}
        if run.errors:
            answer = {"errors": formatted(run.errors, note.request_id), **answer}
        return json_text(answer)

    def _run(self, actor: Actor, note: Note) -> Run:
        return self._schema.run(
            self.wanted, host=self._host, actor=actor, note=note, plans=self._plans
        )
