"""Run as a script: become the server's user, tie its life to ours, and turn into the program asked for.

A program of its own (`python -I -S launch.py …`), because a `preexec_fn` in a process with threads can dead-lock, and
because PR_SET_PDEATHSIG must come after setuid, which clears it. Only the standard library, all imported before
setuid: the new user may not be able to read our Python's folder.

Arguments: parent pid, uid, gid (-1 to stay who we are), "pdeath" or "watch", descriptor of the pipe for "watch" (-1),
descriptor to keep for the program (-1), program, its arguments.
"""

import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Linux: have the kernel send SIGINT (Postgres: fast, clean shutdown) when the thread that started us ends."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit("the process that wanted this server has ended")


def watch_parent(pipe: int, keep: int) -> None:
    """Elsewhere: leave a watcher behind that reads `pipe` and sends SIGINT when its other end closes."""
    target = os.getpid()
    if os.fork() == 0:
        if os.fork() == 0:  # twice, so that the watcher is no child of Postgres, which would log its end
            if keep >= 0:
                os.close(keep)  # or the watcher would hold the server's lock
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):  # or whoever reads the program's output would wait for the watcher's end too
                os.dup2(nothing, standard)
            while os.read(pipe, 1):
                pass
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(target) == target:  # still the session leader we made, hence not another process
                    os.kill(target, signal.SIGINT)
        os._exit(0)
    os.wait()
    os.close(pipe)


def main(argv: list[str]) -> None:
    """Do what the module says; never returns when it succeeds."""
    parent, uid, gid = (int(text) for text in argv[1:4])
    way, pipe, keep, program = argv[4], int(argv[5]), int(argv[6]), argv[7:]
    os.setsid()  # a session of its own: Ctrl-C in the terminal is for Cocoon, which then stops the server in order
    os.umask(0o077)
    if uid >= 0:
        os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)
    os.chdir("/")
    if way == "pdeath":
        die_with_parent(parent)
    else:
        watch_parent(pipe, keep)
    os.execv(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv)
