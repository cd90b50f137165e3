"""Reads what Python code uses of ZenML from its source, without running or importing any of it.

Argument: the version of ZenML that the code is to run with. The first line of standard input is a
JSON list: the first parts of the names of the repository's own modules. Then comes one JSON object a
line, {"f": name, "p": package, "s": source}; for each one object a line is printed: what the file uses
and defines, and the parts of it that this version of ZenML never reaches.

An origin says where a value comes from, as dotted text. It begins with "zenml", with "!" (another
library), with "+" (a module that may be this repository's) or with "." (defined in this file); None is
not known. An instance has its class's name, "()" stands for what a function returns, "[]" for an element.
Needs Python 3.9 and nothing else.
"""

import ast
import builtins
import json
import re
import signal
import sys
import warnings

BUILTINS = set(dir(builtins))
OTHER = "!"
THROUGH = {"list", "sorted", "tuple", "set", "reversed", "iter"}  # the same elements come out
REST = re.compile(r"(?:[a-z]+://[^\s/]*|\{\}[^\s]*?|/?)?/?api/v1(?:/[^\s]*)?", re.I)
ROUTE = re.compile(r"(?:\{\}|[a-z]+://[^\s/]*)?(?:/[A-Za-z0-9_.{}-]+)+/?(?:\?\S*)?")
VERBS = {"get", "post", "put", "delete", "patch", "head"}
REFERENCE = re.compile(r"zenml(?:\.[A-Za-z_]\w*)+")
SOURCES = re.compile(r"materializer|source|flavor|class|module|target", re.I)
LOADERS = re.compile(r"(?:^|\.)(?:import_module|__import__|patch|setattr|load|load_source|load_and_validate_class|import_class_by_path|run_module)$")
SHELLS = re.compile(r"!(?:subprocess\.\w+|os\.(?:system|popen)|asyncio\.create_subprocess_\w+|invoke\.\w+|plumbum\.\w+|sh\.\w+)")
LONGEST = 20  # seconds of processor time for one file; 4 MiB of ordinary code take 5
VARIABLE = re.compile(r"ZENML_[A-Z0-9_]+")
WRAPPERS = {"Optional", "Annotated", "Union", "Final", "ClassVar", "Type", "type", "Awaitable"}
MANY = {"List", "list", "Sequence", "Iterable", "Iterator", "Set", "set", "Page", "Collection", "Generator"}


def release(text):
    """A version as something to compare; None when it is not a plain one."""
    m = re.fullmatch(r"v?(\d+(?:\.\d+)*)(?:\.?(a|b|rc)(\d+))?", text.strip())
    if m is None:
        return None
    numbers = [int(n) for n in m.group(1).split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return (numbers, (m.group(2) or "z", int(m.group(3) or 0)))


class Version:
    """A version in a test of the code: parsed, or text that is compared as text."""

    def __init__(self, text, parsed):
        self.text, self.parsed = text, parsed

    def key(self):
        return release(self.text) if self.parsed else self.text


def merge(a, b):
    """What a name may be after either of two branches: ZenML's if one of them says so."""
    out = dict(a)
    for k, v in b.items():
        if k not in out:
            out[k] = v
        elif out[k] != v:
            out[k] = v if rooted(v) else out[k] if rooted(out[k]) else None
    return out


def rooted(origin):
    return origin is not None and (origin == "zenml" or origin.startswith("zenml."))


def instance(origin):
    """What calling origin gives: of a class its instance, which has the class's name."""
    if origin is None:
        return None
    last = origin.rsplit(".", 1)[-1].lstrip("_!+")
    return origin if last[:1].isupper() and not last.isupper() else origin + "()"


class Scan:
    def __init__(self, package, ours, target):
        self.package, self.ours, self.target = package, ours, target
        self.uses, self.loose, self.exports, self.own, self.dead = [], {}, {}, {}, []
        self.modules, self.shell, self.seen = {}, [], set()
        self.why, self.guarded = None, False
        self.tests, self.todo, self.functions = {}, [], {}
        self.cls = None

    # -- what is written down --

    def add(self, kind, name, node, text=""):
        key = (kind, name, node.lineno, text)
        if key not in self.seen:
            self.seen.add(key)
            if kind == "call" and self.uses and self.uses[-1][:3] == ["attribute", name, node.lineno]:
                self.uses[-1][0] = kind  # one place, and this says more of it
                return
            why = self.why
            if why is None and self.guarded and kind == "import":
                why = "a failed import is caught there"
            self.uses.append([kind, name, node.lineno, text, why])

    def maybe(self, attr, node):
        if self.why is None and attr not in BUILTINS:
            places = self.loose.setdefault(attr, [])
            if len(places) < 5 and node.lineno not in places:
                places.append(node.lineno)

    def touch(self, kind, origin, node, text=""):
        """A use of something that is ZenML's or may turn out to be."""
        if origin is not None and (rooted(origin) or origin[0] in "+."):
            self.add(kind, origin, node, text)

    # -- statements --

    def block(self, body, env):
        """Runs statements in order; returns whether the end is left for good."""
        for i, node in enumerate(body):
            if self.statement(node, env):
                if self.why is None and i + 1 < len(body) and isinstance(node, ast.If):
                    self.skip(body[i + 1:], env, "the test on line %d leaves before it" % node.lineno)
                return True
        return False

    def skip(self, body, env, why):
        if not body:
            return
        was, self.why = self.why, self.why or why
        if was is None:
            last = body[-1]
            self.dead.append([body[0].lineno, getattr(last, "end_lineno", last.lineno), why])
        self.block(body, env)
        self.why = was

    def statement(self, n, env):
        if isinstance(n, ast.Expr):
            if not (isinstance(n.value, ast.Constant) and isinstance(n.value.value, str)):  # a docstring
                self.value(n.value, env)
        elif isinstance(n, (ast.Import, ast.ImportFrom)):
            self.imports(n, env)
        elif isinstance(n, ast.Assign):
            v = self.value(n.value, env)
            for t in n.targets:
                self.bind(t, v, env, n.value)
        elif isinstance(n, ast.AnnAssign):
            kind = self.annotation(n.annotation, env)
            v = self.value(n.value, env) if n.value is not None else None
            self.bind(n.target, v if rooted(v) or kind is None else kind, env, n.value)
        elif isinstance(n, ast.AugAssign):
            self.value(n.value, env)
        elif isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.function(n, env)
        elif isinstance(n, ast.ClassDef):
            self.klass(n, env)
        elif isinstance(n, ast.If):
            return self.branch(n, env)
        elif isinstance(n, (ast.For, ast.AsyncFor)):
            self.bind(n.target, self.element(n.iter, self.value(n.iter, env), env), env, None)
            self.inner(n.body, env)
            self.inner(n.orelse, env)
        elif isinstance(n, ast.While):
            test = self.truth(n.test, env)
            self.value(n.test, env)
            if test is False:
                self.skip(n.body, env, "its test on line %d is never true" % n.lineno)
            else:
                self.inner(n.body, env)
            self.inner(n.orelse, env)
        elif isinstance(n, (ast.With, ast.AsyncWith)):
            for item in n.items:
                v = self.value(item.context_expr, env)
                if item.optional_vars is not None:
                    self.bind(item.optional_vars, v, env, None)
            return self.block(n.body, env)
        elif isinstance(n, ast.Try) or type(n).__name__ == "TryStar":
            self.attempt(n, env)
        elif type(n).__name__ == "Match":
            self.value(n.subject, env)
            for case in n.cases:
                if case.guard is not None:
                    self.value(case.guard, env)
                self.inner(case.body, env)
        elif isinstance(n, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
            for child in ast.iter_child_nodes(n):
                if isinstance(child, ast.expr):
                    v = self.value(child, env)
                    if isinstance(n, ast.Return) and self.functions.get("") is not None:
                        self.functions[""].append(v)
            return True
        elif isinstance(n, (ast.Delete, ast.Assert)):
            for child in ast.iter_child_nodes(n):
                if isinstance(child, ast.expr):
                    self.value(child, env)
        elif isinstance(n, (ast.Global, ast.Nonlocal)):
            pass
        return False

    def inner(self, body, env):
        after = dict(env)
        self.block(body, after)
        env.update(merge(env, after))

    def branch(self, n, env):
        test, why = self.truth(n.test, env), None
        self.value(n.test, env)
        if test is not None:
            why = self.reason(n.test, env)
        left, right = dict(env), dict(env)
        if test is False:
            self.skip(n.body, left, why)
            gone = self.block(n.orelse, right)
            # Names that only the dead part binds stay known: annotations use them.
            env.update({**left, **right} if why.startswith("only") else right)
            return gone
        if test is True:
            gone = self.block(n.body, left)
            self.skip(n.orelse, right, why)
            env.update(left)
            return gone
        gone = self.block(n.body, left)
        other = self.block(n.orelse, right) if n.orelse else False
        env.update(right if gone else left if other else merge(left, right))
        return gone and other

    def attempt(self, n, env):
        caught = set()
        for h in n.handlers:
            for x in ast.walk(h.type) if h.type is not None else []:
                caught.add(getattr(x, "id", getattr(x, "attr", "")))
        was, self.guarded = self.guarded, self.guarded or bool(caught & {"ImportError", "ModuleNotFoundError"})
        left = dict(env)
        self.block(n.body, left)
        self.guarded = was
        for h in n.handlers:
            right = dict(env)
            self.block(h.body, right)
            left = merge(left, right)
        env.update(left)
        self.block(n.orelse, env)
        self.block(n.finalbody, env)

    # -- imports --

    def imports(self, n, env):
        if self.guarded and self.why is None:
            self.dead.append([n.lineno, n.end_lineno, "a failed import is caught there"])
        if isinstance(n, ast.Import):
            for a in n.names:
                top = a.name.split(".")[0]
                mark = "" if top == "zenml" else "+" if top in self.ours else OTHER
                self.modules.setdefault(top, n.lineno)
                if top == "zenml":
                    self.add("import", a.name, n)
                env[a.asname or top] = mark + (a.name if a.asname else top)
            return
        base = n.module or ""
        if n.level:
            parts = self.package.split(".") if self.package else []
            parts = parts[: len(parts) - (n.level - 1)] if n.level > 1 else parts
            base = ".".join(parts + ([base] if base else []))
        elif base:
            self.modules.setdefault(base.split(".")[0], n.lineno)
        ours = not n.level and (base == "zenml" or base.startswith("zenml."))
        mark = "" if ours else "+" if n.level or base.split(".")[0] in self.ours else OTHER
        for a in n.names:
            if ours:
                self.add("import", base if a.name == "*" else base + "." + a.name, a if hasattr(a, "lineno") else n)
            if a.name == "*":
                env["*"] = mark + base
            else:
                env[a.asname or a.name] = mark + base + "." + a.name

    # -- definitions --

    def function(self, n, env, of=None):
        for d in n.decorator_list:
            self.decorator(d, env)
        for d in n.args.defaults + [x for x in n.args.kw_defaults if x is not None]:
            self.value(d, env)
        returns = self.annotation(n.returns, env) if n.returns is not None else None
        if of is None:
            made = any(isinstance(d, ast.Name) and rooted(env.get(d.id)) or isinstance(d, ast.Call) and rooted(self.peek(d.func, env)) for d in n.decorator_list)
            env[n.name] = "." + n.name
            self.functions[n.name] = returns
            if made:  # @step and @pipeline make an object of ZenML's out of it
                d = n.decorator_list[-1]
                self.functions[n.name] = instance(self.peek(d.func if isinstance(d, ast.Call) else d, env))
        self.todo.append((n, env, self.why, of, returns))

    def body(self, n, outer, why, of, returns):
        env, was = dict(outer), (self.why, self.cls, self.functions.get(""), self.guarded)
        self.why, self.cls, self.guarded = why, of, False
        args = n.args.posonlyargs + n.args.args + n.args.kwonlyargs
        for i, a in enumerate(args):
            env[a.arg] = self.annotation(a.annotation, outer) if a.annotation is not None else None
            if of is not None and i == 0 and a.arg in ("self", "cls"):
                env[a.arg] = of
        for a in (n.args.vararg, n.args.kwarg):
            if a is not None:
                env[a.arg] = None
        self.functions[""] = []
        self.block(n.body, env)
        found = {v for v in self.functions[""] if v is not None and v != OTHER}
        if returns is None and len(found) == 1 and of is None and self.functions.get(n.name, 0) is None:
            self.functions[n.name] = found.pop()
        self.why, self.cls, self.guarded = was[0], was[1], was[3]
        self.functions[""] = was[2]

    def klass(self, n, env):
        for d in n.decorator_list:
            self.decorator(d, env)
        bases = [self.value(b, env) for b in n.bases]
        for k in n.keywords:
            self.value(k.value, env)
        name = "." + n.name
        env[n.name] = name
        inner = dict(env)
        methods, attributes = {}, {}
        for b in bases:
            self.touch("subclass", b, n, n.name)
        for s in n.body:
            if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef)):
                returns = self.annotation(s.returns, env) if s.returns is not None else None
                if any("property" in getattr(d, "id", getattr(d, "attr", "")) for d in s.decorator_list):
                    attributes[s.name] = returns
                else:
                    methods[s.name] = returns
                for b in bases:
                    if b is not None and (rooted(b) or b[0] in "+."):
                        self.add("override", b + "." + s.name, s, n.name)
                self.function(s, inner, of=name)
            else:
                self.statement(s, inner)
                targets = s.targets if isinstance(s, ast.Assign) else [s.target] if isinstance(s, ast.AnnAssign) else []
                for t in targets:
                    if isinstance(t, ast.Name):
                        attributes[t.id] = inner.get(t.id)
        self.own[n.name] = {"bases": bases, "members": methods, "attributes": attributes}
        for s in n.body:  # self.client = Client(), seen before the methods are read
            if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef)):
                scope = dict(inner)
                for a in s.args.args + s.args.kwonlyargs:
                    scope[a.arg] = self.annotation(a.annotation, env, quiet=True) if a.annotation is not None else None
                for x in assignments(s.body):
                    if x.value is not None:
                        for t in x.targets if isinstance(x, ast.Assign) else [x.target]:
                            if isinstance(t, ast.Attribute) and isinstance(t.value, ast.Name) and t.value.id == "self":
                                v = self.peek(x.value, scope)
                                if v is None and isinstance(x, ast.AnnAssign):
                                    v = self.annotation(x.annotation, env, quiet=True)
                                if t.attr not in attributes or rooted(v) or v is None and not rooted(attributes[t.attr]):
                                    attributes[t.attr] = v

    def decorator(self, d, env):
        v = self.value(d, env)
        if not isinstance(d, ast.Call):
            self.touch("decorator", v, d)

    # -- annotations --

    def annotation(self, n, env, quiet=False):
        """The origin that an annotation gives a name; its names count as used."""
        if n is None:
            return None
        if isinstance(n, ast.Constant) and isinstance(n.value, str):
            try:
                inner = ast.parse(n.value, mode="eval").body
            except SyntaxError:
                return None
            for x in ast.walk(inner):
                if hasattr(x, "lineno"):
                    x.lineno = n.lineno
            return self.annotation(inner, env, quiet)
        if isinstance(n, ast.BinOp):
            found = [self.annotation(x, env, quiet) for x in (n.left, n.right)]
            return next((f for f in found if rooted(f)), found[0])
        if isinstance(n, ast.Subscript):
            name = getattr(n.value, "id", getattr(n.value, "attr", ""))
            outer = self.peek(n.value, env) if quiet else self.value(n.value, env)
            parts = n.slice.elts if isinstance(n.slice, ast.Tuple) else [n.slice]
            if name == "Literal":
                return OTHER
            found = [self.annotation(p, env, quiet) for p in (parts[:1] if name == "Annotated" else parts)]
            if name == "Annotated" and not quiet:
                for p in parts[1:]:
                    self.value(p, env)
            if name in WRAPPERS:
                return next((f for f in found if rooted(f)), found[0] if found else None)
            if name in MANY:
                return found[0] + "[*]" if found and found[0] is not None else OTHER
            return outer
        return self.peek(n, env) if quiet else self.value(n, env)

    # -- expressions --

    def bind(self, target, v, env, source):
        if isinstance(target, ast.Name):
            env[target.id] = v
            if source is not None:
                test = self.truth(source, env)
                if test is not None:
                    self.tests[target.id] = test if target.id not in self.tests else None
                else:
                    known = self.version(source, env)
                    if known is not None:
                        self.tests[target.id] = known if target.id not in self.tests else None
                    elif target.id in self.tests:
                        self.tests[target.id] = None
        elif isinstance(target, (ast.Tuple, ast.List)):
            values = source.elts if isinstance(source, (ast.Tuple, ast.List)) and len(source.elts) == len(target.elts) else None
            for i, t in enumerate(target.elts):
                self.bind(t, self.peek(values[i], env) if values else self.part(v, i), env, None)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, v, env, None)
        elif isinstance(target, (ast.Attribute, ast.Subscript)):
            self.value(target.value, env)
            if isinstance(target, ast.Attribute):
                owner = self.peek(target.value, env)
                if rooted(owner):
                    self.touch("attribute", owner + "." + target.attr, target)
                elif owner is not None and owner[0] == "." and owner[1:] in self.own and rooted(v):
                    self.own[owner[1:]]["attributes"][target.attr] = v
            else:
                self.value(target.slice, env)

    def part(self, v, i):
        if isinstance(v, tuple):
            return v[i] if i < len(v) else None
        return v + "[]" if v is not None and v != OTHER else v

    def element(self, node, v, env):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and env.get(node.func.id) is None and node.args:
            if node.func.id == "enumerate":
                return (OTHER, self.element(node.args[0], self.peek(node.args[0], env), env))
            if node.func.id == "zip":
                return tuple(self.element(a, self.peek(a, env), env) for a in node.args)
        if v is None or v == OTHER or isinstance(v, tuple):
            return v if not isinstance(v, tuple) else None
        return v[:-3] if v.endswith("[*]") else v + "[]"

    def peek(self, n, env):
        """As value, writing nothing down."""
        kept = (self.uses, self.loose, self.seen, self.shell)
        self.uses, self.loose, self.seen, self.shell = [], {}, set(), []
        v = self.value(n, env)
        self.uses, self.loose, self.seen, self.shell = kept
        return v

    def name(self, ident, env):
        if ident in env:
            return env[ident]
        if ident in BUILTINS:
            return OTHER + ident
        star = env.get("*")
        return star + "." + ident if star is not None else None

    def value(self, n, env):
        """The origin of an expression; what it uses is written down."""
        if isinstance(n, ast.Name):
            return self.name(n.id, env)
        if isinstance(n, ast.Constant):
            if isinstance(n.value, str):
                self.text(n, n.value)
            return None if n.value is None else OTHER  # a name that is None is mostly set elsewhere
        if isinstance(n, ast.Attribute):
            return self.attribute(n, env)
        if isinstance(n, ast.Call):
            return self.call(n, env)
        if isinstance(n, ast.JoinedStr):
            for v in n.values:
                if isinstance(v, ast.FormattedValue):
                    self.value(v.value, env)
            self.text(n, written(n))
            return OTHER
        if isinstance(n, ast.Await):
            return self.value(n.value, env)
        if isinstance(n, ast.Subscript):
            v = self.value(n.value, env)
            self.value(n.slice, env)
            if v is not None and v.endswith("[*]"):
                return v[:-3]
            return v + "[]" if v is not None and v != OTHER and not isinstance(v, tuple) else None if isinstance(v, tuple) else v
        if isinstance(n, ast.IfExp):
            return self.choice(n, env)
        if isinstance(n, ast.BoolOp):
            return self.chain(n, env)
        if isinstance(n, ast.NamedExpr):
            v = self.value(n.value, env)
            env[n.target.id] = v
            return v
        if isinstance(n, ast.Lambda):
            inner = dict(env)
            for a in n.args.args:
                inner[a.arg] = None
            self.value(n.body, inner)
            return None
        if isinstance(n, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            return self.comprehension(n, env)
        if isinstance(n, (ast.List, ast.Tuple, ast.Set)):
            found = [self.value(e.value if isinstance(e, ast.Starred) else e, env) for e in n.elts]
            if isinstance(n, ast.List) and n.elts:
                self.words(n)
            if found and all(f == found[0] for f in found) and rooted(found[0]):
                return found[0] + "[*]"
            return OTHER if all(f is not None and f[0] == OTHER for f in found) else None
        if isinstance(n, ast.BinOp):
            a, b = self.value(n.left, env), self.value(n.right, env)
            return OTHER if a is not None and b is not None and a[0] == OTHER and b[0] == OTHER else None
        if isinstance(n, ast.Compare):
            self.value(n.left, env)
            for c in n.comparators:
                self.value(c, env)
            return OTHER
        found = [self.value(child, env) for child in ast.iter_child_nodes(n) if isinstance(child, ast.expr)]
        plain = all(isinstance(v, str) and v[0] == OTHER for v in found)
        return OTHER if plain and isinstance(n, (ast.Dict, ast.UnaryOp)) else None

    def choice(self, n, env):
        test = self.truth(n.test, env)
        self.value(n.test, env)
        out = []
        for part, dead in ((n.body, test is False), (n.orelse, test is True)):
            was = self.why
            if dead:
                self.why = self.why or self.reason(n.test, env)
                if was is None:
                    self.dead.append([part.lineno, part.end_lineno, self.why])
            v = self.value(part, env)
            self.why = was
            if not dead:
                out.append(v)
        return next((v for v in out if rooted(v)), out[0])

    def chain(self, n, env):
        was, found = self.why, []
        stop = isinstance(n.op, ast.Or)
        for part in n.values:
            found.append(self.value(part, env))
            if self.why is None and self.truth(part, env) is stop:
                self.why = self.reason(part, env)
        self.why = was
        return next((v for v in found if rooted(v)), found[-1])

    def comprehension(self, n, env):
        inner = dict(env)
        for g in n.generators:
            self.bind(g.target, self.element(g.iter, self.value(g.iter, inner), inner), inner, None)
            for c in g.ifs:
                self.value(c, inner)
        if isinstance(n, ast.DictComp):
            self.value(n.key, inner)
            self.value(n.value, inner)
            return None
        v = self.value(n.elt, inner)
        return v + "[*]" if isinstance(v, str) and v != OTHER else v

    def attribute(self, n, env):
        v = self.value(n.value, env)
        if isinstance(v, tuple):
            return None
        if v is None:
            self.maybe(n.attr, n)
            return None
        if v[0] == OTHER:
            return v + "." + n.attr if len(v) > 1 and len(v) < 80 else OTHER
        if v[0] == ".":
            return self.member(v, n)
        origin = v + "." + n.attr
        if len(origin) > 300:
            return None
        self.touch("attribute", origin, n)
        return origin

    def member(self, v, n):
        """An attribute of a class, instance or function of this file."""
        head = v[1:].split(".")[0].split("(")[0].split("[")[0]
        if head in self.own and v[1:] == head:
            own = self.own[head]
            for part in ("attributes", "members"):
                if n.attr in own[part]:
                    got = own[part][n.attr]
                    return got if part == "attributes" or got is None else "." + head + "." + n.attr
            outside = [b for b in own["bases"] if b is not None and b[0] != OTHER]
            for b in outside:
                if b[0] == ".":
                    return self.member(b, n)
                self.touch("attribute", b + "." + n.attr, n)
                return b + "." + n.attr
            return None if any(b is None for b in own["bases"]) else OTHER
        if head in self.functions and (rooted(self.functions[head]) or "(" in v):
            origin = (self.functions[head] if v == "." + head else v) + "." + n.attr
            self.touch("attribute", origin, n)
            return origin
        return OTHER

    def called(self, f):
        if f is None:
            return None
        if f[0] == ".":
            parts = f[1:].split(".")
            if len(parts) == 2 and parts[0] in self.own:
                return self.own[parts[0]]["members"].get(parts[1])
            if parts[0] in self.own and len(parts) == 1:
                return f
            if len(parts) == 1 and rooted(self.functions.get(parts[0])):
                return self.functions[parts[0]]
            return f + "()"
        return instance(f)

    def call(self, n, env):
        f = self.value(n.func, env)
        if isinstance(f, tuple):
            f = None
        if f is not None and f[0] != OTHER:
            self.touch("call", f, n)
        found = []
        for a in n.args:
            found.append(self.value(a.value if isinstance(a, ast.Starred) else a, env))
        for k in n.keywords:
            found.append(self.value(k.value, env))
        if f is None:
            return self.unknown_call(n, env)
        if rooted(f) or f[0] == "+":
            for k in n.keywords:
                if k.arg is not None:
                    self.touch("keyword", f + "(" + k.arg + "=)", k.value if not hasattr(k, "lineno") else k)
                    self.values(f, k.arg, k.value)
            for a in n.args:
                self.values(f, "", a)
        elif f[0] == ".":
            for k in n.keywords:
                if k.arg is not None:
                    self.touch("keyword", f + "(" + k.arg + "=)", k.value)
        self.special(n, f, env)
        plain = f[1:] if f[0] == OTHER else ""
        if plain in THROUGH and n.args:
            return found[0]
        if plain == "next" and n.args:
            return self.element(n.args[0], found[0], env)
        if plain == "getattr" and len(n.args) > 1 and isinstance(n.args[1], ast.Constant) and isinstance(n.args[1].value, str):
            return self.attribute(ast.copy_location(ast.Attribute(n.args[0], n.args[1].value, ast.Load()), n), env)
        if f[0] == OTHER:
            return None if any(v is None or isinstance(v, tuple) or rooted(v) or v[0] in "+." for v in found) else f + "()" if len(f) < 80 else OTHER
        return self.called(f)

    def unknown_call(self, n, env):
        self.special(n, "", env)
        return None

    # -- texts --

    def values(self, f, key, node):
        """Words that ZenML is given: names of flavors, integrations, settings."""
        for x in ast.walk(node):
            if isinstance(x, ast.Constant) and isinstance(x.value, str) and 0 < len(x.value) <= 100:
                self.touch("value", f, x, key + "=" + x.value)
            elif isinstance(x, (ast.Call, ast.Lambda)):
                return

    def special(self, n, f, env):
        """Commands, REST calls, and classes named by text."""
        strings = [(k.arg, k.value) for k in n.keywords] + [("", a) for a in n.args]
        for key, a in strings:
            if isinstance(a, ast.Constant) and isinstance(a.value, str):
                if REFERENCE.fullmatch(a.value) and (key and SOURCES.search(key) or LOADERS.search(f) or isinstance(n.func, ast.Attribute) and LOADERS.search(n.func.attr)):
                    self.add("string", a.value, a)
                    if LOADERS.search(f) and not key:
                        self.add("import", a.value, a)
        if n.args or n.keywords:
            runs = SHELLS.match(f) is not None
            for _, a in strings:
                text = written(a)
                if text is not None and runs and ("zenml" in text or "ZENML" in text or "/api/v1" in text or "helm" in text):
                    self.shell.append([text, a.lineno, self.why])
        verb = n.func.attr.upper() if isinstance(n.func, ast.Attribute) and n.func.attr in VERBS else ""
        if not verb and isinstance(n.func, ast.Attribute) and n.func.attr in ("request", "Request", "build_request", "stream") and n.args:
            first = written(n.args[0])
            verb = first.upper() if first and first.lower() in VERBS else ""
        if verb:
            for a in n.args + [k.value for k in n.keywords if k.arg in ("url", "path")]:
                text = written(a)
                if text is not None:
                    self.route(a, text, verb)

    def words(self, n):
        """A list of words that is a command: ["zenml", "stack", "list"]."""
        parts = [written(e) for e in n.elts]
        start = 2 if parts[1:2] == ["-m"] and len(parts) > 2 and parts[2] == "zenml" else 0
        if parts and parts[start] == "zenml" and len(parts) > start + 1:
            self.add("command", " ".join("{}" if p is None else p for p in parts[start:]), n)

    def text(self, n, t):
        if t is None:
            return
        if VARIABLE.fullmatch(t):
            self.add("env", t, n)
        self.route(n, t, "")

    def route(self, n, t, verb):
        if REST.fullmatch(t):
            if verb:  # the text was met before its call
                self.uses = [u for u in self.uses if u[:4] != ["rest", t, n.lineno, ""]]
            self.add("rest", t, n, verb)
        elif (verb or isinstance(n, ast.JoinedStr)) and ROUTE.fullmatch(t):
            self.add("route", t, n, verb)

    # -- tests that the version decides --

    def version(self, n, env):
        if isinstance(n, ast.Name) and isinstance(self.tests.get(n.id), Version):
            return self.tests[n.id]
        if isinstance(n, ast.Constant) and isinstance(n.value, str):
            return Version(n.value, False) if release(n.value) is not None else None
        if isinstance(n, ast.Attribute) and n.attr != "__version__":
            return None
        if isinstance(n, (ast.Name, ast.Attribute)):
            return Version(self.target, False) if self.peek(n, env) in ("zenml.__version__", "zenml.version.__version__") else None
        if isinstance(n, ast.Call):
            first = n.args[0] if len(n.args) == 1 and not n.keywords else None
            if first is None:
                return None
            f = self.peek(n.func, env) or ""
            last = f.rsplit(".", 1)[-1]
            if f[:1] not in ("+", OTHER):
                return None
            if last == "version" and "metadata" in f:
                return Version(self.target, False) if isinstance(first, ast.Constant) and first.value == "zenml" else None
            if last in ("parse", "Version", "LooseVersion", "StrictVersion", "parse_version"):
                inner = self.version(first, env)
                return Version(inner.text, True) if inner is not None else None
        return None

    def truth(self, n, env):
        """True or False when the source and ZenML's version say so, else None."""
        if isinstance(n, ast.Constant) and isinstance(n.value, (bool, int)):
            return bool(n.value)
        if isinstance(n, ast.Name) and isinstance(self.tests.get(n.id), bool):
            return self.tests[n.id]
        if isinstance(n, (ast.Name, ast.Attribute)) and getattr(n, "id", getattr(n, "attr", "")) == "TYPE_CHECKING":
            return False if (self.peek(n, env) or "").lstrip("+!") in ("typing.TYPE_CHECKING", "typing_extensions.TYPE_CHECKING") else None
        if isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.Not):
            inner = self.truth(n.operand, env)
            return None if inner is None else not inner
        if isinstance(n, ast.BoolOp):
            found = [self.truth(v, env) for v in n.values]
            stop = isinstance(n.op, ast.Or)
            return stop if stop in found else None if None in found else not stop
        if isinstance(n, ast.Compare) and len(n.ops) == 1:
            sides = [self.version(x, env) for x in (n.left, n.comparators[0])]
            if None in sides or isinstance(n.left, ast.Constant) and isinstance(n.comparators[0], ast.Constant):
                return None
            a, b = (s.key() for s in sides)
            if a is None or b is None or isinstance(a, str) != isinstance(b, str):
                return None
            return {ast.Lt: a < b, ast.LtE: a <= b, ast.Gt: a > b, ast.GtE: a >= b, ast.Eq: a == b, ast.NotEq: a != b}.get(type(n.ops[0]))
        return None

    def reason(self, n, env):
        for x in ast.walk(n):
            if getattr(x, "id", getattr(x, "attr", "")) == "TYPE_CHECKING":
                return "only type checkers read it"
        return "the test on line %d does not lead there with ZenML %s" % (n.lineno, self.target)

    def run(self, tree):
        env = {}
        self.block(tree.body, env)
        while self.todo:
            part, self.todo = self.todo, []
            for item in part:
                self.body(*item)
        for name, v in env.items():
            if isinstance(v, str) and (rooted(v) or v[0] == "+"):
                self.exports[name] = v
            elif isinstance(v, str) and v[0] == ".":
                head = v[1:].split("(")[0]
                if head in self.own:
                    self.exports[name] = "class"
                elif head in self.functions:
                    got = self.functions[head]
                    self.exports[name] = "def " + got if isinstance(got, str) else "def"
            elif v is None:
                self.exports[name] = "?"


def assignments(body):
    """All assignments below some statements."""
    for s in body:
        if isinstance(s, (ast.Assign, ast.AnnAssign)):
            yield s
        for part in ("body", "orelse", "finalbody"):
            inner = getattr(s, part, None)
            if isinstance(inner, list):
                yield from assignments(inner)
        for h in getattr(s, "handlers", ()):
            yield from assignments(h.body)


def written(n):
    """A string as far as the source shows it; a gap is {}."""
    if isinstance(n, ast.Constant) and isinstance(n.value, str):
        return n.value
    if isinstance(n, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in n.values)
    if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add):
        a, b = written(n.left), written(n.right)
        return None if a is None and b is None else (a or "{}") + (b or "{}")
    if isinstance(n, (ast.List, ast.Tuple)):
        return None
    return None


class TooLong(Exception):
    pass


def stop(*_):
    raise TooLong


def describe(entry, ours, target):
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)
    try:
        tree = ast.parse(entry["s"])
        s = Scan(entry["p"], ours, target)
        s.run(tree)
    except SyntaxError as e:
        return {"f": entry["f"], "line": e.lineno or 0, "error": "it is not Python that %d.%d reads: %s" % (sys.version_info[0], sys.version_info[1], e.msg)}
    except TooLong:
        return {"f": entry["f"], "line": 0, "error": "it takes longer than %d s to read" % LONGEST}
    except (ValueError, RecursionError, MemoryError) as e:
        return {"f": entry["f"], "line": 0, "error": "it cannot be read as Python (%s)" % type(e).__name__}
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    classes = {k: {"bases": v["bases"], "attributes": {a: o if isinstance(o, str) else None for a, o in v["attributes"].items()}, "members": sorted(v["members"])} for k, v in s.own.items()}
    return {"f": entry["f"], "uses": s.uses, "loose": s.loose, "exports": s.exports, "classes": classes, "dead": s.dead, "modules": s.modules, "shell": s.shell}


def main(target):
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(3000)
    signal.signal(signal.SIGVTALRM, stop)
    ours = set(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        print(json.dumps(describe(json.loads(line), ours, target), separators=(",", ":")))


main(sys.argv[1])
