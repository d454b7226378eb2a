"""Jobs are tried again, cancelled, and asked for by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context
from crmkit.jobs import errors, repository
from crmkit.jobs.types import CancelJob, CancelledJob, Job, RetriedJob, RetryJob
from crmkit.store.idempotency import KEPT

_SOME = 1_000  # are forgotten in one unit


@mutation(permission="core.job.retry")
async def retry_job(context: Context[Any], input: RetryJob) -> RetriedJob:
    """Has a job that was given up or cancelled tried again."""
    await retry(context, input.id)
    return RetriedJob(job=ref(Job, input.id))


@mutation(permission="core.job.cancel")
async def cancel_job(context: Context[Any], input: CancelJob) -> CancelledJob:
    """Ends a job that waits, or stops it where it is."""
    await cancel(context, input.id)
    return CancelledJob(job=ref(Job, input.id))


async def retry(context: Context[Any], id_: str) -> None:
    """Has it wait again with all its tries."""
    repository.retry(context, id_, errors.NotGivenUp())
    context.unit.after_commit.append(context.host.notices.of_jobs)


async def cancel(context: Context[Any], id_: str) -> None:
    """Whoever is at work on it notices when it wants to go on, and what it did is undone."""
    repository.cancel(context, id_, errors.Settled())


async def listed(context: Context[Any], *, every: bool) -> list[tuple[Any, ...]]:
    """The latest jobs, of those that are done or cancelled only if asked for."""
    return await context.rules(repository.latest(every=every))


async def tidy(context: Context[Any], done: int = 0) -> int | None:
    """Forgets what has been settled for long, some at a time."""
    kept = timedelta(days=context.host.settings.worker.keep_days)
    before = context.clock.now() - kept
    jobs = [id_ for (id_,) in await context.rules(repository.settled(before, _SOME))]
    repository.forget(context, jobs)
    context.progress(done + len(jobs))
    return done + len(jobs) if len(jobs) == _SOME else None


async def forget_keys(context: Context[Any], rounds: int = 0) -> int | None:
    """Forgets keys that have not been good for anything any more, some at a time."""
    until = context.clock.now() - KEPT
    oldest = [at for (at,) in await context.rules(repository.used_before(until, _SOME))]
    if oldest:
        repository.forget_keys(context, oldest[-1])
    return rounds + 1 if len(oldest) == _SOME else None


async def ask_for(context: Context[Any], *, name: str, payload: Any) -> None:
    """Asks for a job by its name, with a payload as it is stored.

    Raises:
        UnknownJob: Nobody does jobs of this name.
        Invalid: The payload is none of this job.
    """
    found = context.host.loaded.jobs.get(name)
    if found is None:
        raise errors.UnknownJob(name, context.host.loaded.jobs)
    try:
        arguments = found.arguments(payload)
    except ValueError as error:
        raise errors.WrongPayload(name, error) from None
    context.enqueue(found.function, *arguments)
