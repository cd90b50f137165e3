"""Compares the public Python API of two installed versions of ZenML with griffe, from their source.

Arguments: the site-packages of the older and of the newer version. Prints a JSON list. Nothing of
either version is imported.
"""

import json
import logging
import sys

import griffe

OUT = {"tests", "migrations"}


def public(path):
    parts = path.split(".")
    return not OUT & set(parts) and all(not p.startswith("_") or p == "__init__" for p in parts)


def load(site):
    return griffe.load("zenml", search_paths=[site], allow_inspection=False, resolve_aliases=False)


def walk(obj, seen):
    """All aliases of a package: the path that is written, and what it stands for."""
    for member in obj.members.values():
        if member.is_alias:
            yield member.path, member.target_path
        elif member.path not in seen and (member.is_module or member.is_class):
            seen.add(member.path)
            yield from walk(member, seen)


def chase(aliases, path):
    """The path of the object itself, aliases of it and of what holds it followed."""
    for _ in range(20):
        parts = path.split(".")
        for n in range(len(parts), 1, -1):
            target = aliases.get(".".join(parts[:n]))
            if target and target != ".".join(parts[:n]):
                path = ".".join([target] + parts[n:])
                break
        else:
            return path
    return path


def exists(package, path):
    """Whether a path can still be written; members of bases count."""
    obj = package
    for part in path.split(".")[1:]:
        try:
            if obj.is_alias:
                obj = obj.final_target
            if part in obj.members:
                obj = obj.members[part]
            else:
                obj = obj.all_members[part]
        except griffe.AliasResolutionError:
            return True  # it stands for something outside of the package
        except Exception:
            return False
    return True


def places(package, seen, out):
    """Public functions and classes of modules, by name."""
    for member in package.members.values():
        if member.is_alias or member.path in seen:
            continue
        seen.add(member.path)
        if member.is_module:
            places(member, seen, out)
        elif (member.is_function or member.is_class) and public(member.path):
            out.setdefault((member.name, member.is_class), []).append(member.path)


def main(older, newer):
    logging.disable(logging.CRITICAL)
    old, new = load(older), load(newer)
    aliases = dict(walk(old, set()))
    names = {}
    for alias in aliases:
        # A package hands out what its own modules hold; every other module that imports it is no name of it.
        target = chase(aliases, alias)
        if public(alias) and target.startswith(alias.rsplit(".", 1)[0] + "."):
            names.setdefault(target, []).append(alias)
    moved = {}
    places(new, set(), moved)
    found = {}
    for b in griffe.find_breaking_changes(old, new):
        path = chase(aliases, b.obj.path)
        if not public(path) or not path.startswith("zenml."):
            continue
        kind = b.kind.name.lower()
        parameter = ""
        if kind.startswith("parameter_"):
            value = b.old_value if b.old_value is not None else b.new_value
            parameter = getattr(value, "name", "")
        if (path, kind, parameter) in found:
            continue
        written = [path]
        parts = path.split(".")
        for n in range(len(parts), 1, -1):
            written += [".".join([a] + parts[n:]) for a in names.get(".".join(parts[:n]), [])]
        if kind == "object_removed":
            written = [w for w in written if not exists(new, w)]
            if not written:
                continue
        to = moved.get((parts[-1], b.obj.is_class if not b.obj.is_alias else None), []) if kind == "object_removed" else []
        found[path, kind, parameter] = {
            "path": path, "kind": kind, "parameter": parameter, "names": sorted(set(written)),
            "moved_to": to[0] if len(to) == 1 else "",
        }
    json.dump([found[k] for k in sorted(found)], sys.stdout)


main(*sys.argv[1:])
