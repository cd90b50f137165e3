"""Loads artifact versions with one ZenML version: zu_matrix.py OUT TASK

TASK is a JSON file: ids (in the order to try), expect (id to the digest that another version found),
and limits: batch, children, seconds (for one artifact), memory and file (bytes), largest (bytes in
the store). OUT gets one JSON line per artifact version.

ZenML is imported once, by a parent that never loads anything itself. Each batch runs in a forked
child with limits. When a child is lost, what it had not answered is tried again: first the artifact
that it was busy with, alone, then the others together. One that is lost alone is the culprit; all
others are answered. Loading runs code of whoever wrote the artifact, in the child.
"""

import ctypes
import json
import os
import platform
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from typing import Any, Dict, List, Optional

# Credentials are kept in a file there, which other processes of this world write too.
os.environ["ZENML_CONFIG_PATH"] += "-of-the-matrix"
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # threads do not survive a fork

from zenml.client import Client

from zu_canonical import digest
from zu_cause import behaviour, classify, text

PR_SET_CHILD_SUBREAPER = 36
LONGEST_ANSWER = 64 << 10  # of one artifact, in bytes


EMPTY: Dict[str, Any] = {
    "id": None, "status": "failed", "digest": "", "behaviour": None, "class": None, "detail": None, "python": None,
}


class Child:
    """A forked process that works on a batch."""

    def __init__(self, task: Dict[str, Any], batch: List[str]) -> None:
        self.batch, self.left = batch, list(batch)
        self.busy: Optional[str] = None
        self.why: Optional[str] = None  # the class of the failure, when we ended it
        self.said = b""
        self.folder = tempfile.mkdtemp(prefix="zu-batch-")
        self.reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.reader)
                work(task, batch, writer, self.folder)
            finally:
                os._exit(0)
        os.close(writer)
        self.beat = time.monotonic()

    def read(self, tell: Any) -> None:
        """Take in what the child wrote and pass its answers on."""
        block = os.read(self.reader, 64 << 10)
        if not block:
            raise EOFError
        *lines, self.said = (self.said + block).split(b"\n")
        if len(self.said) > LONGEST_ANSWER:
            self.end("crashed")
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue  # what it answered is tried again
            if not isinstance(row, dict):
                continue
            if row.get("begin") in self.left:
                self.busy, self.beat = row["begin"], time.monotonic()
            elif row.get("id") in self.left:
                self.left.remove(row["id"])
                self.busy, self.beat = None, time.monotonic()
                tell({key: row.get(key) for key in EMPTY})

    def end(self, why: str) -> None:
        """Kill the child and its group; why is the class of the failure if there is none yet."""
        self.why = self.why or why
        for kill in (os.killpg, os.kill):  # it may not have made its group yet
            try:
                kill(self.pid, signal.SIGKILL)
            except OSError:
                pass  # it is gone

    def close(self) -> Dict[str, Any]:
        """Wait for the child and say how it ended."""
        os.close(self.reader)
        limit = time.monotonic() + 1
        done, status = os.waitpid(self.pid, os.WNOHANG)
        while not done and time.monotonic() < limit:
            time.sleep(0.005)
            done, status = os.waitpid(self.pid, os.WNOHANG)
        self.end("crashed")  # also what is left of its group
        if not done:  # it closed its end of the pipe and goes on
            _, status = os.waitpid(self.pid, 0)
        shutil.rmtree(self.folder, ignore_errors=True)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
            self.why = "timed_out"
        if self.why == "timed_out":
            return {"class": self.why, "detail": "it was not loaded within its time limit"}
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}"
        return {"class": self.why, "detail": f"loading it ended the Python process with {how}"}


def confine(limits: Dict[str, int], count: int, folder: str) -> None:
    """Bound what the loaded code can do to the machine, and silence it."""
    os.setsid()
    with open("/proc/self/statm", encoding="ascii") as file:
        own = int(file.read().split()[0]) * resource.getpagesize()
    seconds = limits["seconds"] * count
    for which, most in (
        (resource.RLIMIT_AS, own + limits["memory"]),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, limits["file"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(which, (most, most))
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.environ["TMPDIR"] = tempfile.tempdir = folder


def work(task: Dict[str, Any], batch: List[str], writer: int, folder: str) -> None:
    """The child: load and answer, one line each."""
    confine(task["limits"], len(batch), folder)
    client = Client()
    for version_id in batch:
        os.write(writer, (json.dumps({"begin": version_id}) + "\n").encode())
        row = artifact(client, version_id, task["limits"]["largest"], task["expect"].get(version_id))
        os.write(writer, (json.dumps(row) + "\n").encode())


def artifact(client: Client, version_id: str, largest: int, expected: Optional[str]) -> Dict[str, Any]:
    """Load one artifact version. digest is "" when it cannot be compared; see zu_canonical."""
    row = {**EMPTY, "id": version_id}
    found = None
    try:
        found = client.get_artifact_version(version_id)
        size = found.run_metadata.get("storage_size")
        size = getattr(size, "value", size)
        if isinstance(size, int) and size > largest:
            row.update(status="skipped", detail=f"it holds {size} bytes, more than the {largest} that are loaded")
            return row
        row["python"] = written_by(found)
        value = found.load()
        row.update(status="loaded", digest=digest(value), behaviour=behaviour(value))
        # A value that is not even equal to itself, read twice, says nothing about an upgrade.
        if not row["digest"]:
            row["detail"] = "the value cannot be compared: it has no canonical form"
        elif row["digest"] != expected and digest(found.load()) != row["digest"]:
            row.update(digest="", detail="the value cannot be compared: two loads by one version differ")
    except BaseException as error:  # a user's class may raise anything while it is unpickled
        row.update(status="failed", digest="", detail=text(error))
        row["class"] = classify(found, error)
    return row


def written_by(found: Any) -> str:
    """The Python that pickled an artifact, else the one that runs here."""
    try:
        with open(os.path.join(found.uri, "python_version.txt"), encoding="utf-8") as file:
            return file.read(20).strip()
    except (OSError, ValueError):
        return platform.python_version()


def bury(running: List[Child]) -> None:
    """End what left its child's group: as a subreaper this process becomes its parent."""
    ours = {child.pid for child in running}
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        pids = [int(word) for word in file.read().split()]
    for pid in pids:
        try:
            if pid not in ours and os.getsid(pid) not in ours:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        except OSError:
            pass  # it is gone


def prepare() -> None:
    """Import what most artifacts need and log in, once for all children."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for name in ("numpy", "pandas", "sklearn"):
        try:
            __import__(name)
        except Exception:  # not installed, or broken: the artifacts that need it tell
            pass
    store = Client().zen_store
    store.get_user()
    # A connection cannot be shared by two processes: each child opens its own. The headers hold the token.
    headers = dict(store.session.headers)
    store.session.close()
    store._session = None
    store.session.headers.update(headers)


def retries(child: Child) -> List[List[str]]:
    """What to try again after a child was lost, in smaller batches each time."""
    left = child.left
    first = [child.busy] if child.busy in left else left[: max(1, len(left) // 2)]
    return [part for part in (first, [one for one in left if one not in first]) if part]


def over(child: Child, ready: bool, seconds: int, tell: Any) -> bool:
    """Take in what a child says; whether it has ended, or had to be."""
    if ready:
        try:
            child.read(tell)
            return False
        except EOFError:
            return True
    if time.monotonic() - child.beat > seconds:
        child.end("timed_out")
        return True
    # What it left behind may hold its end of the pipe open.
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def run(task: Dict[str, Any], tell: Any) -> None:
    """Work through all batches, some children at once."""
    ids, limits = task["ids"], task["limits"]
    queue = [ids[i : i + limits["batch"]] for i in range(0, len(ids), limits["batch"])]
    running: List[Child] = []
    while queue or running:
        while queue and len(running) < limits["children"]:
            running.append(Child(task, queue.pop(0)))
        ready, _, _ = select.select([child.reader for child in running], [], [], 0.2)
        for child in list(running):
            patience = 1 if len(child.batch) > 1 else 2  # before one is called hanging on a busy machine
            if not over(child, child.reader in ready, patience * limits["seconds"], tell):
                continue
            running.remove(child)
            how = child.close()
            bury(running)
            if len(child.batch) == 1 and child.left:
                tell({**EMPTY, "id": child.left[0], "status": "failed", **how})
            elif child.left:
                queue[:0] = retries(child)


def main(out: str, task: str) -> None:
    with open(task, encoding="utf-8") as file:
        wanted = json.load(file)
    prepare()
    with open(out, "a", encoding="utf-8") as file:

        def tell(row: Dict[str, Any]) -> None:
            file.write(json.dumps(row) + "\n")
            file.flush()

        run(wanted, tell)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
