"""The stage that groups a run's datasets into topics, and what the report gets of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from r2d2.catalog import lakes
from r2d2.contained import Contained
from r2d2.errors import R2D2Error, StateError, unknown_failure
from r2d2.job import Job
from r2d2.model.plan import Plan
from r2d2.report.problems import Problem
from r2d2.report.topics import Topics, topics_in
from r2d2.units import plural
from r2d2.visible import visible

if TYPE_CHECKING:
    from r2d2.semantics.topics.stage import Made

#: The status of what keeps datasets from being grouped.
OF_TOPICS = "topics"


def topics_stage(job: Job, held: Contained, plan: Plan) -> Made | None:
    """Groups the datasets into topics; writes ``topics`` and what belongs to it. None if there is nothing to group.

    What lacks for it on this machine is a problem of the run and does not end it: nothing is proven by topics.
    """
    if not (job.settings.semantics.topics and held.datasets):
        return None
    from r2d2.semantics.entities.entities import Catalog  # other stages need neither scipy nor a model
    from r2d2.semantics.topics.stage import group_run

    pairs = [(edge.parent, edge.child) for edge in held.edges]
    case_sensitive = job.settings.containment.case_sensitive
    catalog = Catalog(held.datasets, pairs, held.duplicates, job.usages, case_sensitive, plan.gone)
    try:
        with job.progress.stage("group topics") as reading:
            made = group_run(
                job.state,
                job.run_id,
                catalog,
                job.settings.semantics,
                spark=lambda: job.spark,
                among=lakes.of_lake(job.state, job.lake),
            )
            reading.note = f", {plural(len(made.topics), 'topic')}"
    except StateError:
        raise
    except R2D2Error as error:
        _without(job, str(error), error.hint)
        return None
    except Exception as error:  # noqa: BLE001  # what is proven and planned is not lost for want of topics
        _without(job, unknown_failure("topics", error), "report this, and set semantics.topics=false until then")
        return None
    for note in made.notes:
        job.progress.note(visible(note))
    return made


def _without(job: Job, what: str, hint: str) -> None:
    """Says that there are no topics, and why."""
    job.problems = (*job.problems, Problem("topics", what, hint, OF_TOPICS))
    job.progress.note(visible(f"no topics: {what} ({hint})"))


def report_topics(job: Job) -> Topics:
    """What the state holds of the run's topics, and of what looks alike; none where they were not made."""
    if not job.state.rows("groupings", job.run_id, columns=("run_id",)).num_rows:
        return Topics()
    from r2d2.semantics.look_alikes.kept import look_alikes_kept
    from r2d2.semantics.topics.kept import members_kept, topics_kept  # these load scipy

    kept, members = topics_kept(job.state, job.run_id), members_kept(job.state, job.run_id)
    found = topics_in(kept, members, job.settings.report.show_values)
    return replace(found, look_alikes=look_alikes_kept(job.state, job.run_id))
