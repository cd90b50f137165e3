"""Keeps a Python process, and those that it starts, from reaching anything but loopback.

Python imports this module at its start, before any other code. An audit hook cannot be taken back.
"""

import importlib.machinery
import importlib.util
import ipaddress
import os
import sys

REFUSAL = "zenml-upgrade: this is a copy of a server; it reaches nothing but loopback"


def loopback(host):
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False  # a name: looking it up would already be a call outside


def watch(event, args):
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in ("socket.gethostbyname", "socket.gethostbyaddr"):
        host = args[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        if not isinstance(address, tuple) or not address:
            return  # a local socket, or one that is connected already
        host = address[0]
    else:
        return
    if not loopback(host):
        raise ConnectionRefusedError(REFUSAL)


sys.addaudithook(watch)


def original():
    """Runs the sitecustomize that this one stands before, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))
    paths = [p for p in sys.path if os.path.abspath(p or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", paths)
    if spec and spec.loader and spec.origin != __file__:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


original()
