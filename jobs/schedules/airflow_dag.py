"""R2D2 under Airflow: a night's run with a person's word before anything is applied, and the guard on its own schedule.

Copy this file into the DAGs folder. Airflow needs no r2d2 in its own Python: tasks call a command. Settings are
environment variables of Airflow's processes:

    R2D2_LAKES     the lake's roots, quoted as in a shell:  /data/lake s3://bucket/raw
    R2D2_STATE     the state directory
    R2D2_COMMAND   what to call (default: r2d2), for example /opt/r2d2/bin/r2d2, or a script around spark-submit
    R2D2_FLAGS     further flags of each stage, for example --config /etc/r2d2.toml
    R2D2_SCHEDULE, R2D2_GUARD_SCHEDULE   when they run (default: at 2 every night; every hour), as cron has it

Nothing depends on the date of a run: what a missed night would have found, the next one finds.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import dag, task

R2D2 = shlex.split(os.environ.get("R2D2_COMMAND", "r2d2"))
LAKES = shlex.split(os.environ.get("R2D2_LAKES", ""))
STATE = ["--state", os.environ.get("R2D2_STATE", "")]
FLAGS = shlex.split(os.environ.get("R2D2_FLAGS", ""))
#: Runs by hand and by other schedules may be under way: a stage waits for them.
WAIT = ["--wait", "6h"]
#: A plan that nobody has decided on when the next night comes is not applied.
DECIDED_WITHIN = timedelta(hours=20)
#: Lines of the plan that the person who decides is shown; the whole is what `r2d2 plan` prints.
SHOWN = 30

_ALWAYS: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=UTC),
    "catchup": False,
    "max_active_runs": 1,
    "tags": ["r2d2"],
    "default_args": {"retries": 2, "retry_delay": timedelta(minutes=5)},
}


def stage(name: str, *arguments: str, pushes: bool = False) -> BashOperator:
    """One command of r2d2 as a task; a try after one that failed goes on where it was."""
    command = shlex.join([*R2D2, name, *arguments, *STATE, *FLAGS])
    return BashOperator(task_id=name, bash_command=command, do_xcom_push=pushes)


def asked(*arguments: str) -> Any:
    """The payload of a command that only reads the state."""
    command = [*R2D2, *arguments, *STATE, "--format", "json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def commanded(*arguments: str) -> None:
    """Runs a command that may change the lake. It fails, too, where a dataset was left alone: somebody should look."""
    subprocess.run([*R2D2, *arguments, *STATE, *WAIT, *FLAGS], check=True)


@dag(dag_id="r2d2_nightly", schedule=os.environ.get("R2D2_SCHEDULE", "0 2 * * *"), doc_md=__doc__, **_ALWAYS)
def nightly() -> None:
    """Discover, find and prove, plan, report; then ask, and apply what was approved."""
    run = ["--run", '{{ ti.xcom_pull(task_ids="discover") }}']

    @task.short_circuit
    def proposal(found: str) -> dict[str, Any]:
        """What there is to decide; nothing, where the plan retires nothing: then nobody is asked."""
        number = next(row["plan"] for row in asked("plans") if row["run_id"] == found)
        plan = asked("plan", "--number", str(number))  # what is shown is what is applied, whoever plans meanwhile
        retired = [line for line in plan["datasets"] if line["action"] == "retire"]
        return {"plan": number, "retired": len(retired), "text": text_of(plan, retired)} if retired else {}

    @task
    def apply(proposed: dict[str, Any], answer: dict[str, Any]) -> None:
        plan, person = str(proposed["plan"]), answer["responded_by_user"] or {}
        by = ["--by", str(person.get("name") or person.get("id")), "--note", "approved in Airflow"]
        commanded("review", "approve", "--all", "--plan", plan, *by)  # but for what was rejected by name
        commanded("apply", plan, "--yes")

    discovered = stage("discover", *LAKES, *WAIT, "--quiet", pushes=True)
    planned = stage("retention", *run, *WAIT)
    proposed = proposal(discovered.output)
    approved = ApprovalOperator(
        task_id="approve",
        subject='Retire {{ ti.xcom_pull(task_ids="proposal")["retired"] }} datasets?',
        body='{{ ti.xcom_pull(task_ids="proposal")["text"] }}',
        defaults="Reject",
        response_timeout=DECIDED_WITHIN,
    )
    discovered >> stage("containment", *run, *WAIT) >> planned >> stage("report", *run) >> proposed
    proposed >> approved >> apply(proposed, approved.output)


def text_of(plan: dict[str, Any], retired: list[dict[str, Any]]) -> str:
    """The plan as Markdown. Names come from strangers: as JSON texts in a code block they stay names."""
    money = f"{plan['total_saving_per_month']:,.2f} {plan['currency']} a month, {plan['bytes_retired']:,} bytes"
    lines = [f"    {json.dumps(line['dataset'])}  from  {json.dumps(line['parent'])}" for line in retired[:SHOWN]]
    more = [f"... and {len(retired) - SHOWN} more: `r2d2 plan`"] if len(retired) > SHOWN else []
    return "\n".join([f"It saves {money}. Retire, and from what each is rebuilt:", "", *lines, "", *more])


@dag(dag_id="r2d2_guard", schedule=os.environ.get("R2D2_GUARD_SCHEDULE", "0 * * * *"), doc_md=__doc__, **_ALWAYS)
def guarded() -> None:
    """Whether all that was retired can still be rebuilt."""

    @task
    def guard() -> None:
        commanded("guard")

    guard()


nightly()
guarded()
