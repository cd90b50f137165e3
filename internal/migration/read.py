"""Reads alembic revisions from their source, without running any of it.

Argument: a folder of revisions. Prints a JSON list, one object for each file: what its upgrade does
to the schema and to rows, and whether its downgrade does anything. Needs Python 3.8 and nothing else.
"""

import ast
import hashlib
import json
import os
import re
import sys

ALTER = {
    "alter_column", "create_foreign_key", "create_unique_constraint", "create_primary_key",
    "create_check_constraint", "drop_constraint", "rename_table",
}
# Methods of alembic's op and of a batch, with the place of the table among op's arguments.
TABLE_AT = {
    "create_table": 0, "drop_table": 0, "add_column": 0, "drop_column": 0, "alter_column": 0, "bulk_insert": 0,
    "rename_table": 0, "create_index": 1, "drop_index": 1, "create_foreign_key": 1, "create_unique_constraint": 1,
    "create_primary_key": 1, "create_check_constraint": 1, "drop_constraint": 1,
}
INDEX_HELPERS = {"create_index_if_missing": "create_index", "drop_index_if_exists": "drop_index"}
ROWS = {"delete": "delete_rows", "update": "update_rows", "insert": "insert_rows"}
SQL = [
    ("delete_rows", r"DELETE\s+FROM\s+(\S+)"), ("delete_rows", r"TRUNCATE\s+(?:TABLE\s+)?(\S+)"),
    ("update_rows", r"UPDATE\s+(\S+)"), ("insert_rows", r"(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+(\S+)"),
    ("drop_table", r"DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?(\S+)"),
    ("drop_column", r"ALTER\s+TABLE\s+(\S+)\s+DROP\s+(?:COLUMN\s+)?(?!CONSTRAINT|INDEX|FOREIGN|PRIMARY|KEY|CHECK)"),
    ("create_table", r"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\S+)"), ("alter", r"ALTER\s+TABLE\s+(\S+)"),
    ("create_index", r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+\S+\s+ON\s+(\S+)"), ("drop_index", r"DROP\s+INDEX\s+\S+\s+ON\s+(\S+)"),
]
READS = re.compile(r"\s*(?:--[^\n]*\n\s*)*(SELECT|SHOW|WITH|PRAGMA|SET\s)", re.I)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def text(node):
    """A string as far as it is written in the source; a gap is a question mark."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "?" for v in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text(node.left), text(node.right)
        return None if left is None or right is None else left + right
    return None


class Revision:
    def __init__(self, tree):
        self.top = {n.name: n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
        self.values, self.loops, self.batches = {}, {}, {}
        self.module = [n for n in tree.body if isinstance(n, (ast.Assign, ast.AnnAssign))]
        self.operations, self.tables, self.unread, self.seen = {}, set(), 0, set()

    def constant(self, name):
        for n in self.module:
            targets = n.targets if isinstance(n, ast.Assign) else [n.target]
            if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                return ast.literal_eval(n.value) if n.value is not None else None
        return None

    def reach(self, name):
        """The functions and classes of the file that name uses, itself first."""
        found, todo = [], [name]
        while todo:
            n = todo.pop()
            if n in self.top and self.top[n] not in found:
                found.append(self.top[n])
                todo += [x.id for x in ast.walk(self.top[n]) if isinstance(x, ast.Name)]
        return found

    def read(self):
        nodes = [x for part in self.reach("upgrade") for x in ast.walk(part)]
        for n in self.module + nodes:
            self.bind(n)
        docs = {
            id(x.body[0].value) for x in nodes
            if isinstance(x, (ast.FunctionDef, ast.ClassDef)) and isinstance(x.body[0], ast.Expr)
        }
        for n in nodes:
            if isinstance(n, ast.Call):
                self.call(n)
        used = {x.id for x in nodes if isinstance(x, ast.Name)}
        constants = [n.value for n in self.module if n.value is not None and any(
            isinstance(t, ast.Name) and t.id in used for t in getattr(n, "targets", [getattr(n, "target", None)]))]
        for n in nodes + [x for c in constants for x in ast.walk(c)]:
            if id(n) not in docs:
                self.sql(n)

    def bind(self, n):
        if isinstance(n, ast.Assign):
            for t in n.targets:
                if isinstance(t, ast.Name):
                    self.values.setdefault(t.id, []).append(n.value)
        elif isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name) and n.value is not None:
            self.values.setdefault(n.target.id, []).append(n.value)
        elif isinstance(n, ast.For) and isinstance(n.target, ast.Name):
            self.values.setdefault(n.target.id, []).append(n.iter)
        elif isinstance(n, ast.With):
            for item in n.items:
                c, v = item.context_expr, item.optional_vars
                if isinstance(c, ast.Call) and isinstance(c.func, ast.Attribute) and c.func.attr == "batch_alter_table" and isinstance(v, ast.Name):
                    self.batches.setdefault(v.id, []).append(c)

    def names(self, node, depth=4):
        """The tables that an expression may stand for; empty when the source does not say."""
        if node is None or depth == 0:
            return set()
        t = text(node)
        if t is not None:
            return {t} if NAME.fullmatch(t) else set()
        if isinstance(node, ast.Name):
            return set().union(*[self.names(v, depth - 1) for v in self.values.get(node.id, [])])
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return set().union(*[self.names(e, depth - 1) for e in node.elts])
        if isinstance(node, ast.Subscript):  # meta.tables["name"]
            return self.names(node.slice, depth - 1) or self.names(getattr(node.slice, "value", None), depth - 1)
        if isinstance(node, ast.Call):  # sa.Table("name", meta), sa.sql.table("name"), t.alias()
            f = node.func
            if getattr(f, "attr", getattr(f, "id", "")) in ("Table", "table") and node.args:
                return self.names(node.args[0], depth - 1)
            if isinstance(f, ast.Attribute):
                return self.names(f.value, depth - 1)
        return set()

    def add(self, kind, tables):
        self.operations[kind] = self.operations.get(kind, 0) + 1
        self.tables |= {t for t in tables if t and "?" not in t}

    def call(self, n):
        f = n.func
        if isinstance(f, ast.Name):
            if f.id in INDEX_HELPERS:
                keys = {k.arg: k.value for k in n.keywords}
                self.add(INDEX_HELPERS[f.id], self.names(n.args[0] if n.args else keys.get("table_name")))
            elif f.id in ROWS and f.id not in self.top and n.args:
                self.add(ROWS[f.id], self.names(n.args[0]))
            return
        if not isinstance(f, ast.Attribute):
            return
        owner = f.value.id if isinstance(f.value, ast.Name) else ""
        if owner in self.batches:
            self.operation(f.attr, set().union(*[self.names(c.args[0]) if c.args else self.key(c, "table_name") for c in self.batches[owner]]))
        elif owner == "op" and f.attr in TABLE_AT:
            at = TABLE_AT[f.attr]
            where = self.names(n.args[at]) if len(n.args) > at else self.key(n, "table_name") | self.key(n, "source_table")
            self.operation(f.attr, where)
        elif f.attr in ROWS and owner in ("sa", "sqlalchemy", "sqlmodel"):
            self.add(ROWS[f.attr], self.names(n.args[0]) if n.args else set())
        elif f.attr in ROWS and not n.args and not n.keywords:  # table.delete(); a dict's update has arguments
            self.add(ROWS[f.attr], self.names(f.value))
        elif f.attr == "delete" and owner == "session":
            self.add("delete_rows", set())
        elif f.attr in ("execute", "exec", "exec_driver_sql") and n.args and not self.readable(n.args[0]):
            self.unread += 1

    def key(self, n, name):
        return set().union(*[self.names(k.value) for k in n.keywords if k.arg == name])

    def operation(self, attr, tables):
        if attr in ALTER:
            self.add("alter", tables)
        elif attr == "bulk_insert":
            self.add("insert_rows", tables)
        elif attr in TABLE_AT:
            self.add(attr, tables)

    def sql(self, n):
        t = text(n)
        if t is None or id(n) in self.seen:
            return
        self.seen |= {id(x) for x in ast.walk(n)}
        for statement in t.split(";"):
            for kind, form in SQL:
                m = re.match(r"\s*" + form, statement, re.I)
                if m:
                    name = m.group(1).strip("`\"(") if m.groups() else ""
                    self.add(kind, {name} if NAME.fullmatch(name) else set())
                    break

    def readable(self, node, depth=5):
        """Whether the source shows what statement this is."""
        for x in ast.walk(node):
            t = text(x)
            if t is not None and (READS.match(t) or any(re.match(r"\s*" + f, t, re.I) for _, f in SQL)):
                return True
            if isinstance(x, ast.Call):
                name = getattr(x.func, "attr", getattr(x.func, "id", ""))
                if name in ROWS or name in ("select", "exists", "query"):
                    return True
            if isinstance(x, ast.Name) and depth and any(self.readable(v, depth - 1) for v in self.values.get(x.id, [])):
                return True
        return False

    def undone(self):
        f = self.top.get("downgrade")
        if f is None:
            return False
        body = [s for s in f.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)) and not isinstance(s, (ast.Pass, ast.Return))]
        return bool(body) and not any(isinstance(s, ast.Raise) for s in body)


def shape(node):
    """What a piece of source does, in a form that no version of Python words otherwise: without
    comments, layout and documentation."""
    if isinstance(node, list):
        documented = node and isinstance(node[0], ast.Expr) and isinstance(node[0].value, ast.Constant) and isinstance(node[0].value.value, str)
        return [shape(n) for n in (node[1:] if documented else node)]
    if type(node).__name__ in ("Index", "ExtSlice"):  # until Python 3.8
        return shape(getattr(node, "value", None) or node.dims)
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = [(f, getattr(node, f, None)) for f in node._fields if f not in ("ctx", "kind", "type_comment", "type_ignores", "type_params")]
    return [type(node).__name__] + [[f, shape(v)] for f, v in parts if v is not None and v != []]


def describe(path):
    with open(path, encoding="utf-8") as f:
        tree = ast.parse(f.read(1 << 20))
    r = Revision(tree)
    if r.constant("revision") is None:
        return None
    r.read()
    title = (ast.get_docstring(tree) or "").split("\n")[0]
    return {
        "revision": r.constant("revision"), "down_revision": r.constant("down_revision"), "title": title[:200],
        "operations": r.operations, "tables": sorted(r.tables), "unread": r.unread, "undone": r.undone(),
        "source": hashlib.sha256(json.dumps(shape(tree)).encode()).hexdigest(),
    }


def main(folder):
    out = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and name != "__init__.py":
            d = describe(os.path.join(folder, name))
            if d is not None:
                out.append(d)
    json.dump(out, sys.stdout)


main(sys.argv[1])
