"""Lists what a package defines, from its source, without running any of it.

Arguments: the folder of installed packages and the package's name. Prints a JSON object: for every
module what its names are ("class", "def", "value", or the full name that an import brings), for every
class its bases and members, the words of every command and whether it is deprecated, and for every
integration of ZenML what it asks to be installed.
Needs Python 3.9 and nothing else.
"""

import ast
import json
import os
import sys
import warnings


def dotted(n):
    if isinstance(n, ast.Name):
        return n.id
    if isinstance(n, ast.Attribute):
        inner = dotted(n.value)
        return None if inner is None else inner + "." + n.attr
    if isinstance(n, ast.Subscript):
        return dotted(n.value)
    return None


def targets(n):
    return n.targets if isinstance(n, ast.Assign) else [n.target]


def members(node):
    found = set()
    for s in node.body:
        if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(s.name)
        elif isinstance(s, (ast.Assign, ast.AnnAssign)):
            found |= {t.id for t in targets(s) if isinstance(t, ast.Name)}
        if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for x in ast.walk(s):
                if isinstance(x, (ast.Assign, ast.AnnAssign)):
                    for t in targets(x):
                        if isinstance(t, ast.Attribute) and isinstance(t.value, ast.Name) and t.value.id == "self":
                            found.add(t.attr)
    return sorted(found)


def deprecated(node):
    """Whether a function or class is: by a decorator, its first line, or a warning that each call gives."""
    if any("deprecat" in (dotted(d.func if isinstance(d, ast.Call) else d) or "").lower() for d in node.decorator_list):
        return True
    first = (ast.get_docstring(node) or "").split("\n")[0].lower()
    if first.startswith(("deprecated", "(deprecated", "[deprecated", "**deprecated")):
        return True
    for s in node.body:
        if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) and (dotted(s.value.func) or "").split(".")[-1] in ("warn", "warning"):
            words = [x.value for a in s.value.args for x in ast.walk(a) if isinstance(x, ast.Constant) and isinstance(x.value, str)]
            if any("deprecated" in w.lower() for w in words) or any(dotted(a) == "DeprecationWarning" for a in s.value.args):
                return True
    return False


class Module:
    def __init__(self, name, package, out):
        self.name, self.package, self.out = name, package, out
        self.names, self.groups = {}, {}

    def read(self, body):
        for s in body:
            if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.names[s.name] = "def"
                if deprecated(s):
                    self.out["deprecated"].append(self.name + "." + s.name)
                self.command(s)
            elif isinstance(s, ast.ClassDef):
                self.klass(s)
            elif isinstance(s, (ast.Assign, ast.AnnAssign)):
                for t in targets(s):
                    for x in ast.walk(t):
                        if isinstance(x, ast.Name):
                            self.names[x.id] = "value"
                        if isinstance(x, ast.Name) and x.id == "__getattr__":
                            self.names["*"] = "?"
            elif isinstance(s, ast.Import):
                for a in s.names:
                    self.names[a.asname or a.name.split(".")[0]] = a.name if a.asname else a.name.split(".")[0]
            elif isinstance(s, ast.ImportFrom):
                self.imports(s)
            elif isinstance(s, ast.Try):
                self.read(s.body + [x for h in s.handlers for x in h.body] + s.orelse + s.finalbody)
            elif isinstance(s, (ast.If, ast.With)):
                self.read(s.body + getattr(s, "orelse", []))
        if self.names.get("__getattr__") == "def":
            self.names["*"] = "?"

    def command(self, s):
        """A function that is a command: its words follow from the groups it is put into."""
        for d in s.decorator_list:
            f = d.func if isinstance(d, ast.Call) else d
            if isinstance(f, ast.Attribute) and f.attr in ("command", "group") and isinstance(f.value, ast.Name):
                args = d.args if isinstance(d, ast.Call) else []
                name = args[0].value if args and isinstance(args[0], ast.Constant) else s.name.replace("_", "-")
                self.groups[s.name] = (f.value.id, name)
                at, words = f.value.id, [name]
                while at in self.groups:
                    at, word = self.groups[at]
                    words.insert(0, word)
                if at == "cli":
                    self.out["commands"][" ".join(words)] = deprecated(s)

    def imports(self, s):
        base = s.module or ""
        if s.level:
            parts = self.package.split(".")
            base = ".".join(parts[: len(parts) - s.level + 1] + ([base] if base else []))
        for a in s.names:
            if a.name == "*":
                self.names["*"] = "?"
            else:
                self.names[a.asname or a.name] = base + "." + a.name

    def klass(self, s):
        self.names[s.name] = "class"
        bases = [dotted(b) for b in s.bases]
        self.out["classes"][self.name + "." + s.name] = {"bases": [b for b in bases if b], "members": members(s)}
        if deprecated(s):
            self.out["deprecated"].append(self.name + "." + s.name)
        for f in s.body:
            if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)) and deprecated(f):
                self.out["deprecated"].append(self.name + "." + s.name + "." + f.name)
        name = [x.value for x in s.body if isinstance(x, ast.Assign) and targets(x) and getattr(targets(x)[0], "id", "") == "NAME"]
        if self.name.startswith("zenml.integrations.") and name:
            asked = {x.value for f in s.body if isinstance(f, (ast.Assign, ast.AnnAssign)) and getattr(targets(f)[0], "id", "") == "REQUIREMENTS" and f.value is not None
                     for x in ast.walk(f.value) if isinstance(x, ast.Constant) and isinstance(x.value, str)}
            self.out["integrations"][self.name.split(".")[2]] = sorted(asked)


def main(site, top):
    warnings.simplefilter("ignore")
    out = {"commands": {}, "modules": {}, "classes": {}, "integrations": {}, "deprecated": []}
    for folder, folders, files in os.walk(os.path.join(site, top)):
        folders[:] = sorted(d for d in folders if d not in ("migrations", "dashboard", "__pycache__"))
        for name in sorted(files):
            if not name.endswith(".py"):
                continue
            path = os.path.join(folder, name)
            parts = os.path.relpath(path, site)[:-3].split(os.sep)
            package = ".".join(parts[:-1])
            module = package if parts[-1] == "__init__" else ".".join(parts)
            with open(path, encoding="utf-8") as f:
                tree = ast.parse(f.read(1 << 22))
            m = Module(module, package, out)
            m.read(tree.body)
            out["modules"][module] = m.names
    json.dump(out, sys.stdout, separators=(",", ":"))


main(sys.argv[1], sys.argv[2])
