"""Runs one ZenML server in steps that its parent asks for, one line each on standard input.

The parent learns of each step by one JSON line on the control descriptor. Everything else the
server writes goes to the log file. Until "detach" the process ends as soon as its parent does: a
server that nobody watches must not go on migrating a database.
"""

import asyncio
import ctypes
import json
import os
import re
import socket
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
LONGEST = 4000  # characters told of a statement or of an error's words


def divert(log_path):
    """Keeps the parent's pipe for reports alone and sends all other output to the log."""
    control = os.fdopen(os.dup(1), "w", buffering=1)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    return control


class Watch:
    """Tells of every alembic revision that is run: that it begins, how long it took, what broke it."""

    def __init__(self, tell):
        self.tell = tell
        self.revision = None
        self.began = 0.0

    def turn(self, revision):
        """The revision before has ended, with what it committed; this one begins (None: nothing does)."""
        now = time.monotonic()
        if self.revision is not None:
            self.tell(revision=self.revision, seconds=now - self.began)
        self.revision, self.began = revision, now
        if revision is not None:
            self.tell(begins=revision)

    def broke(self, error):
        if self.revision is not None:
            self.tell(broke=self.revision, seconds=time.monotonic() - self.began, **explain(error))
        self.revision = None

    def install(self):
        from alembic.runtime.migration import MigrationContext, RevisionStep

        make, run = RevisionStep.__init__, MigrationContext.run_migrations

        def made(step, *args, **kwargs):
            make(step, *args, **kwargs)
            migrate, revision = step.migration_fn, step.revision.revision

            def watched(**kw):
                self.turn(revision)
                return migrate(**kw)

            step.migration_fn = watched

        def ran(context, **kw):
            try:
                run(context, **kw)
            except BaseException as e:
                self.broke(e)
                raise
            self.turn(None)

        RevisionStep.__init__, MigrationContext.run_migrations = made, ran


def explain(error):
    """The statement that failed, without its values, and the words of whoever refused it."""
    statement, words, seen = "", error, set()
    cause = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(getattr(cause, "statement", None), str) and getattr(cause, "orig", None) is not None:
            statement, words = cause.statement, cause.orig
            break
        cause = cause.__cause__ or cause.__context__
    # Both clients of MySQL put the server's number before its words.
    number = words.args[0] if len(getattr(words, "args", ())) == 2 and isinstance(words.args[0], int) else 0
    text = words.args[1] if number else words
    return {
        "statement": statement[:LONGEST], "class": type(words).__name__, "number": number, "message": str(text)[:LONGEST],
    }


NAME = r"(?:`[^`]+`|[\w$]+)"
ADDS_KEY = re.compile(
    rf"\s*ALTER TABLE {NAME} ADD CONSTRAINT ({NAME}) FOREIGN KEY ?\([^()]*\) REFERENCES {NAME} ?\([^()]*\)"
    r"(?: ON (?:DELETE|UPDATE) (?:CASCADE|SET NULL|RESTRICT|NO ACTION))*\s*"
)


def defer_keys(tell):
    """Has MySQL and MariaDB add foreign keys without looking at the rows; the parent checks them at the end.

    With the look they copy the whole table for each key: half of a migration of a long history. Only the
    very statements that add one named key, and nothing else, are run so.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def run(cursor, statement, context):
        key = ADDS_KEY.fullmatch(statement) if context.dialect.name in ("mysql", "mariadb") else None
        if key is None:
            return False
        cursor.execute("SELECT @@SESSION.foreign_key_checks")
        if cursor.fetchone()[0] != 1:
            return False
        cursor.execute("SET SESSION foreign_key_checks = 0")
        try:
            cursor.execute(statement)
        finally:
            cursor.execute("SET SESSION foreign_key_checks = 1")
        tell(deferred=key.group(1).strip("`"))
        return True

    @event.listens_for(Engine, "do_execute")
    def execute(cursor, statement, parameters, context):
        return not parameters and run(cursor, statement, context)

    @event.listens_for(Engine, "do_execute_no_params")
    def execute_without(cursor, statement, context):
        return run(cursor, statement, context)


def warm(begin):
    """Configures the mappers and makes the models of all flavors once while nothing is asked yet.

    A server that starts does both, writing every flavor anew: most of its start-up is that, and
    would be downtime. What cannot be made here fails there as it would have.
    """
    try:
        import sqlalchemy.orm
        import zenml.zen_stores.schemas  # noqa: F401

        sqlalchemy.orm.configure_mappers()
    except Exception:
        pass
    try:
        from zenml.integrations.registry import integration_registry
        from zenml.stack.flavor_registry import FlavorRegistry

        kinds = [FlavorRegistry().builtin_flavors]
        kinds += [i.flavors for i in integration_registry.integrations.values()]
    except (ImportError, AttributeError):
        return  # another version keeps them elsewhere
    for kind in kinds:
        if begin.is_set():
            return
        try:
            for flavor in kind() if callable(kind) else kind:
                flavor().to_model(is_custom=False)
        except Exception:
            continue


class Launcher:
    def __init__(self, control):
        self.control = control
        self.detached = False
        self.begin = threading.Event()
        self.port = 0
        self.loop = None
        self.server = None

    def tell(self, **fact):
        try:
            self.control.write(json.dumps(fact) + "\n")
            self.control.flush()
        except OSError:
            pass  # the parent is gone; the reader sees that too and decides

    def commands(self):
        for line in sys.stdin:
            word, _, rest = line.strip().partition(" ")
            if word == "serve":
                self.port = int(rest)  # 0: any
                self.begin.set()
            elif word == "open":
                asyncio.run_coroutine_threadsafe(self.open(rest), self.loop)
            elif word == "detach":
                self.loop.call_soon_threadsafe(self.detach)
        if not self.detached:
            os._exit(1)  # also in the middle of a migration: nobody is left to judge its end

    def detach(self):
        # The death signal was set on the main thread and is cleared only there.
        failed = ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)
        self.detached = not failed
        self.tell(done="detach", error="prctl failed" if failed else "")

    async def open(self, address):
        """Answers on a public address too, in this process, without a restart."""
        try:
            host, _, port = address.rpartition(":")
            host = host.strip("[]")
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, int(port)))
            config, server = self.server.config, self.server
            listener = await self.loop.create_server(
                lambda: config.http_protocol_class(
                    config=config, server_state=server.server_state, app_state=server.lifespan.state
                ),
                sock=sock,
                backlog=config.backlog,
            )
            server.servers.append(listener)  # so that it closes with the private one
            self.tell(done="open", port=sock.getsockname()[1])
        except Exception as e:
            self.tell(done="open", error=str(e))

    async def serve(self, private):
        import uvicorn

        from zenml.zen_server.zen_server_api import app

        self.loop = asyncio.get_running_loop()
        config = uvicorn.Config(app, log_level="info", access_log=False, server_header=False)
        self.server = uvicorn.Server(config)
        self.tell(done="serve", port=private.getsockname()[1])
        await self.server.serve(sockets=[private])


def main():
    launcher = Launcher(divert(sys.argv[1]))
    # The folder of this script holds a log and a configuration, no modules.
    sys.path[:] = [p for p in sys.path if p != os.path.dirname(os.path.abspath(__file__))]
    threading.Thread(target=launcher.commands, daemon=True).start()

    import uvicorn  # noqa: F401
    import zenml
    import zenml.zen_server.zen_server_api  # noqa: F401

    try:
        Watch(launcher.tell).install()
    except (ImportError, AttributeError):
        pass  # another alembic: the migration runs unwatched, and nothing is told of its revisions

    if "defer-keys" in sys.argv[2:]:
        defer_keys(launcher.tell)

    launcher.tell(done="load", version=zenml.__version__)
    warm(launcher.begin)
    launcher.begin.wait()
    private = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    private.bind(("127.0.0.1", launcher.port))
    asyncio.run(launcher.serve(private))


if __name__ == "__main__":
    main()
