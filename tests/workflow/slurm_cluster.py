"""A real Slurm cluster of two nodes on this machine, from Debian's packages, and its end.

    python tests/workflow/slurm_cluster.py COMMAND ...

starts it, runs the command, and stops what it started. Needs root, and a machine without a Slurm of its own.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge", "slurmdbd", "mariadb-server-core", "mariadb-client-core")
SETTINGS = Path("/etc/slurm")  # the steps of jobs look nowhere else
MUNGE = Path("/run/munge")
NODES = {"n1": 6821, "n2": 6822}
ACCOUNT = "default"
TIMEOUT = 60  # seconds in which a daemon must answer

CONTROLLER = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdSpoolDir={folder}/spool.%n
SlurmdParameters=config_overrides
ReturnToService=2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
EnforcePartLimits=ALL
JobRequeue=0
MinJobAge=900
KillWait=3
SlurmdTimeout=10
SlurmctldTimeout=30
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=6819
AccountingStoreFlags=job_comment
{nodes}PartitionName=debug Nodes={names} Default=YES MaxTime=60 DefaultTime=5 State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory={memory} State=UNKNOWN\n"
DATABASE = """
AuthType=auth/munge
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=6819
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=3307
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
"""


def obstacle() -> str | None:
    """Why there can be no cluster here, or None. Installs the packages that are not there."""
    if os.getuid() != 0:
        return "needs root, to start Slurm's daemons"
    if shutil.which("apt-get") is None:
        return "needs Debian's packages"
    if (SETTINGS / "slurm.conf").exists():
        return f"{SETTINGS / 'slurm.conf'}: this machine has a Slurm of its own (or a test was killed; then remove it)"
    missing = [name for name in PACKAGES if not _succeeds("dpkg", "--status", name)]
    if missing and not (
        _succeeds("apt-get", "update") and _succeeds("apt-get", "install", "--yes", "--no-install-recommends", *missing)
    ):
        return f"{', '.join(missing)}: cannot be installed"
    return None


class Cluster:
    """Two nodes of two processors, whose jobs are accounted for. All that it writes is in one folder, but for its settings."""

    def __init__(self, folder: Path, memory: int = 4000) -> None:
        self.folder = folder
        self.memory = memory  # megabytes of each node
        self._started: list[psutil.Process] = []

    def __enter__(self) -> "Cluster":
        try:
            self._write_settings()
            self._start_munge()
            self._start_accounting()
            self._start_slurm()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        _succeeds("scancel", "--user", "root")
        self._stop()

    def jobs(self, *, state: str = "RUNNING", node: str | None = None) -> dict[str, str]:
        """Numbers of the jobs in this state, on a node or on all, and what Snakemake says that they are."""
        where = ["--nodelist", node] if node else []
        lines = _output("squeue", "--noheader", "--format", "%i %k", "--states", state, *where).splitlines()
        return dict(line.split(maxsplit=1) for line in lines)

    def cancel(self, *jobs: str) -> None:
        if jobs:
            _run("scancel", *jobs)

    def node_of(self, job: str) -> str:
        return _output("squeue", "--noheader", "--format", "%N", "--jobs", job).strip()

    def processes_of(self, job: str) -> list[psutil.Process]:
        """All that runs for a job, the daemons of its steps first."""
        steps = [p for p in psutil.process_iter() if title(p).startswith(f"slurmstepd: [{job}.")]
        return [*steps, *(child for step in steps for child in step.children(recursive=True))]

    def kill_node(self, node: str) -> None:
        """Let a node die: its daemon, and all that runs there, at once."""
        daemon = psutil.Process(int((self.folder / f"slurmd.{node}.pid").read_text()))
        for process in [daemon, *(p for job in self.jobs(node=node) for p in self.processes_of(job))]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def start_node(self, node: str) -> None:
        pid_file = self.folder / f"slurmd.{node}.pid"
        pid_file.unlink(missing_ok=True)  # of a daemon that was killed
        _run("slurmd", "-N", node)
        self._keep(pid_file)
        _wait(lambda: node in self._nodes_that_answer())

    def _nodes_that_answer(self) -> list[str]:
        return _output("sinfo", "--noheader", "--Node", "--states", "idle,mixed,allocated", "--format", "%N").split()

    def accounting(self) -> list[dict[str, str]]:
        """Every job that the cluster ran: what Snakemake says that it is (once it has ended), how it ended and where."""
        fields = ("JobID", "Comment", "State", "NodeList", "ReqMem", "Elapsed")
        lines = _output("sacct", "--allocations", "--parsable2", "--noheader", f"--format={','.join(fields)}").splitlines()
        return [dict(zip(fields, line.split("|"), strict=True)) for line in lines]

    def _write_settings(self) -> None:
        host = socket.gethostname().split(".")[0]
        nodes = "".join(NODE.format(name=name, host=host, port=port, memory=self.memory) for name, port in NODES.items())
        controller = CONTROLLER.format(folder=self.folder, host=host, names=",".join(NODES), nodes=nodes)
        for name, text in (("slurm.conf", controller), ("slurmdbd.conf", DATABASE.format(folder=self.folder))):
            path = SETTINGS / name
            path.touch(0o600)  # Slurm wants the password to be for its user only
            path.write_text(text.lstrip())

    def _start_munge(self) -> None:
        if any(p.name() == "munged" for p in psutil.process_iter()):
            return
        MUNGE.mkdir(exist_ok=True)
        shutil.chown(MUNGE, "munge", "munge")
        _run("runuser", "--user", "munge", "--", "/usr/sbin/munged")
        self._keep(MUNGE / "munged.pid")

    def _start_accounting(self) -> None:
        data, socket_file = self.folder / "database", self.folder / "database.sock"
        _run("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--auth-root-authentication-method=normal")
        options = ("--no-defaults", "--user=root", f"--datadir={data}", f"--socket={socket_file}", "--port=3307")
        limits = ("--bind-address=127.0.0.1", "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900")
        with (self.folder / "database.log").open("w") as log:
            server = subprocess.Popen(["mariadbd", *options, *limits], stdout=log, stderr=log, start_new_session=True)
        self._started.append(psutil.Process(server.pid))
        _wait(lambda: _succeeds("mariadb", "--no-defaults", f"--socket={socket_file}", "--execute", "select 1"))
        user = "slurm@'127.0.0.1'"
        sql = f"create database slurm; create user {user} identified by 'slurm'; grant all on slurm.* to {user}"
        _run("mariadb", "--no-defaults", f"--socket={socket_file}", "--execute", sql)
        _run("slurmdbd")
        self._keep(self.folder / "slurmdbd.pid")
        _wait(lambda: _succeeds("sacctmgr", "--noheader", "list", "cluster"))
        for entry in (("cluster", "test"), ("account", ACCOUNT), ("user", "root", f"account={ACCOUNT}")):
            _run("sacctmgr", "--immediate", "add", *entry)

    def _start_slurm(self) -> None:
        for name in ("state", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir()
        _run("slurmctld")
        self._keep(self.folder / "slurmctld.pid")
        for node in NODES:
            self.start_node(node)

    def _keep(self, pid_file: Path) -> None:
        """Remember a daemon as one of ours, once it has said who it is."""
        _wait(lambda: pid_file.is_file() and pid_file.read_text().strip().isdigit())
        self._started.append(psutil.Process(int(pid_file.read_text())))

    def _stop(self) -> None:
        """Stop what was started, the last first, and take away the settings."""
        for process in reversed(self._started):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        for process in psutil.wait_procs(self._started, timeout=20)[1]:
            process.kill()
        for name in ("slurm.conf", "slurmdbd.conf"):
            (SETTINGS / name).unlink(missing_ok=True)


def title(process: psutil.Process) -> str:
    """What a process says that it is; nothing if it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def _succeeds(*command: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, capture_output=True, env=environment, check=False).returncode == 0


def _run(*command: str) -> None:
    _output(*command)


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"a daemon of Slurm did not answer in {TIMEOUT} s")
        time.sleep(0.1)


@contextlib.contextmanager
def running() -> Iterator[Cluster]:
    """The cluster, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="slurm") as folder, Cluster(Path(folder)) as cluster:
        yield cluster


def main() -> int:
    """Run the command."""
    if reason := obstacle():
        print(reason, file=sys.stderr)
        return 2
    with running():
        return subprocess.run(sys.argv[1:], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
