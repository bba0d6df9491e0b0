"""Rewrites a parsed template so that whatever can grow asks the budget first."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

# names of filters that templates cannot write
EACH = "each item of"
MEASURED = "measured"
WRITTEN = "characters written"

_N = TypeVar("_N", bound=nodes.Node)


class Guard(NodeTransformer):
    """Charges loops by round, fixed text by length, and every expression that builds, joins, slices or compares values.

    Calls, filters, tests and operators are charged by the environment; outputs by `finalize`.
    """

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        self.generic_visit(node)
        node.iter = _wrap(cast("nodes.Expr", node.iter), EACH)
        return node

    def visit_Output(self, node: nodes.Output) -> Any:  # noqa: N802
        self.generic_visit(node)
        length = sum(len(child.data) for child in node.nodes if isinstance(child, nodes.TemplateData))
        if not length:
            return node
        charge = nodes.ExprStmt(_wrap(_at(nodes.Const(length), node), WRITTEN))
        return [_at(charge, node), node]

    def visit_Concat(self, node: nodes.Concat) -> nodes.Concat:  # noqa: N802
        self.generic_visit(node)
        node.nodes = [_wrap(child, MEASURED) for child in node.nodes]
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:  # noqa: N802
        self.generic_visit(node)
        node.expr = _wrap(node.expr, MEASURED)
        for operand in node.ops:
            operand.expr = _wrap(operand.expr, MEASURED)
        return node

    def visit_List(self, node: nodes.List) -> nodes.Expr:  # noqa: N802
        return self._built(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:  # noqa: N802
        return self._built(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802
        if node.ctx != "load":
            return node
        return self._built(node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        return _wrap(node, MEASURED) if isinstance(node.arg, nodes.Slice) else node

    def _built(self, node: nodes.Expr) -> nodes.Expr:
        self.generic_visit(node)
        return _wrap(node, MEASURED)


def _wrap(node: nodes.Expr, name: str) -> nodes.Expr:
    if isinstance(node, nodes.Const) and name == MEASURED:
        return node
    return _at(nodes.Filter(node, name, [], [], None, None), node)


def _at(node: _N, place: nodes.Node) -> _N:
    node.set_lineno(place.lineno)
    node.set_environment(place.environment)  # type: ignore[arg-type]  # set by the parser
    return node
