"""The commands that train: study run, study job."""

from enum import Enum
from typing import Annotated

import typer

from yamlinject.errors import YamlInjectError
from yamlinject.study.folder import Study
from yamlinject.study.plan import Job

_FolderArgument = Annotated[str, typer.Argument(metavar="FOLDER", help="The folder of the study.")]


class On(str, Enum):
    """``--on``."""

    here = "here"
    ray = "ray"
    slurm = "slurm"


def run(
    folder: _FolderArgument,
    *,
    on: Annotated[On, typer.Option(help="This machine, a cluster of Ray, or SLURM.")] = On.here,
    gpus_per_job: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", min=0, help="With --on ray: how much of a GPU each gets; default: 1."
        ),
    ] = None,
    slurm: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="With --on slurm: an option of sbatch; also several."),
    ] = None,
) -> int:
    """Do every job that is not done: train each variant with each seed, a process and a GPU for each job.

    Exit 1 if some fail; they are tried again by the next run. Ctrl-C ends all; the next run goes on.
    """
    import gc

    from yamlinject.output import study_progress, terminal
    from yamlinject.study import arguments, preparation, processes, running, unit
    from yamlinject.study import engine as engines

    gc.enable()  # it may last for days
    if gpus_per_job is not None and on is not On.ray:
        raise YamlInjectError("--gpus-per-job is for --on ray")
    if slurm and on is not On.slurm:
        raise YamlInjectError("--slurm is for --on slurm")
    study = Study.open(folder)
    plan = study.plan
    options = dict(_pair(text) for text in slurm or ())
    preparation.prepare_apart(study)
    without_gpu = arguments.without_gpu(plan.framework, plan.args)

    def command(job: Job) -> list[str]:
        return unit.command(study, job)

    engine: engines.Engine
    if on is On.ray:
        from yamlinject.study.on_ray import OnRay

        engine = OnRay(command, gpus_per_job, without_gpu=without_gpu)
    elif on is On.slurm:
        from yamlinject.study.on_slurm import OnSlurm

        engine = OnSlurm(command, study.folder / "slurm", options, without_gpu=without_gpu)
    else:
        engines.check_framework(plan)
        engine = engines.Here(command, [] if without_gpu else engines.gpus())
    processes.interrupt_at_sigterm()  # last, as Ray has its own way with it
    try:
        with study_progress.showing() as progress:
            for state in running.run(study, engine):
                progress.show(state)
    except KeyboardInterrupt:  # about which newer versions of typer say nothing
        raise typer.Abort from None
    terminal.tell([study_progress.summary(state)])
    return int(bool(state.failed))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise YamlInjectError(f"--slurm {text}: has to be NAME=VALUE, such as time=8:00:00")
    return name, value


def job(
    folder: _FolderArgument,
    variant: Annotated[str, typer.Argument(metavar="VARIANT", help="The name of one of its configs.")],
    seed: Annotated[int, typer.Argument(metavar="SEED", help="One of its seeds.")],
    *,
    tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False,
) -> int:
    """Do one job, unless it is done: what each engine runs, also one of your own (see study jobs).

    Exit 0 if it is done then, 1 if the training fails, 2 if it cannot be begun, 3 while another process
    does it.
    """
    from yamlinject.output import terminal
    from yamlinject.study import engine, processes, unit

    processes.interrupt_at_sigterm()
    if tied:
        processes.end_with_input()
    study = Study.open(folder)
    try:
        done = unit.do(study, study.job(variant, seed))
    except KeyboardInterrupt:
        raise typer.Abort from None
    except (unit.FailedError, unit.BusyError) as error:
        terminal.tell([terminal.Line(f"yamlinject: error: {error}", "red")])
        return engine.FAILED if isinstance(error, unit.FailedError) else engine.BUSY
    value = done["metrics"]["mAP50-95"]
    terminal.tell([terminal.Line(f"{variant} seed {seed}: mAP50-95 {value:.4f}", "green")])
    return 0
