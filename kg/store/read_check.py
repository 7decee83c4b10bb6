"""Whether a Cypher statement that an administrator wrote may run: it reads, and every engine can stop it.

The check is conservative and the same for every engine: it refuses any word that begins a writing clause, a
procedure or function that is not on a list, and what an engine cannot stop: Neo4j 5 and ArcadeDB 26 both
go on with a loop in a loop, a loop over a long range or a regular expression after their client has gone. A
name that looks like such a word can be written in backticks.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kg.errors import StatementRefusedError
from kg.schema import GraphSchema
from kg.store.cypher_tokens import Token, tokens

MAX_RANGE = 10_000
"""The most numbers of a `range`."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FIRST = ("MATCH", "OPTIONAL", "WITH", "UNWIND", "RETURN", "CALL")

_WRITING = _words(
    "CREATE MERGE SET DELETE DETACH NODETACH REMOVE INSERT UPSERT DROP ALTER FOREACH LOAD TERMINATE SHOW "
    "GRANT REVOKE DENY USE TRANSACTIONS PERIODIC"
)

_CLAUSES = _words("MATCH WHERE WITH RETURN UNWIND YIELD SET ORDER")

_LOOPS = _words("ANY ALL NONE SINGLE")

_SUBQUERIES = _words("CALL EXISTS COUNT COLLECT")

_BEFORE_BRACKET = _words(
    "MATCH WHERE AND OR XOR NOT IN WITH RETURN UNWIND BY LIMIT SKIP WHEN THEN ELSE CASE DISTINCT OPTIONAL AS "
    "CONTAINS IS STARTS ENDS CALL YIELD UNION SHORTEST PATHS PATH GROUPS WALK TRAIL ACYCLIC"
)
"""Keywords, beside those of loops, that may stand before a bracket."""

_FUNCTIONS = _words(
    """
    any all none single exists isempty isnan coalesce nullif labels type id elementid properties keys nodes
    relationships length size head last tail reverse range startnode endnode shortestpath allshortestpaths
    count sum avg min max collect stdev stdevp percentilecont percentiledisc
    abs ceil floor round sign sqrt exp log log10 e pi sin cos tan cot asin acos atan atan2 degrees radians
    haversin rand timestamp
    tointeger tofloat toboolean tostring tointegerornull tofloatornull tobooleanornull tostringornull
    tointegerlist tofloatlist tobooleanlist tostringlist
    left right substring split trim btrim ltrim rtrim tolower toupper lower upper char_length character_length
    replace normalize valuetype
    date datetime localdatetime time localtime duration point
    date.truncate datetime.truncate localdatetime.truncate time.truncate localtime.truncate
    date.realtime datetime.realtime date.transaction datetime.transaction date.statement datetime.statement
    datetime.fromepoch datetime.fromepochmillis
    duration.between duration.indays duration.inmonths duration.inseconds
    point.distance point.withinbbox vector.similarity.cosine vector.similarity.euclidean
    """
)

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")
"""Some end a line for one engine and not for another, and with it a comment."""


def check_read(
    statement: str, parameters: Mapping[str, Any], schema: GraphSchema, procedures: Collection[str] = ()
) -> None:
    """Check a statement before any engine sees it; `procedures` are those that it may call.

    Raises:
        StatementRefusedError: it writes, calls something else, might not end, names a label or type that the
            schema lacks, or its parameters are not those given.
    """
    code = _tokens(statement)
    for check in (_check_clauses, _check_functions, _check_loops, _check_patterns, _check_ranges):
        check(code)
    _check_calls(code, {x.lower() for x in procedures})
    _check_names(code, schema)
    _check_parameters(code, parameters)


def _tokens(statement: str) -> list[Token]:
    if found := _CONTROL.search(statement):
        raise StatementRefusedError(f"it holds the control character U+{ord(found[0]):04X}; remove it")
    if "\\u" in statement.lower():
        raise StatementRefusedError("it holds a Unicode escape (\\u); write the character itself")
    try:
        code = tokens(statement)
    except ValueError as error:
        raise StatementRefusedError(str(error)) from None
    for n, token in enumerate(code):
        if token.symbol == "/" and _symbol(code, n + 1) == "*":
            raise StatementRefusedError("it holds an unclosed comment")
        if token.symbol in ("'", '"', "`", "\\", ";"):
            what = {"\\": "a backslash outside of a text", ";": "a semicolon; it is one statement"}
            raise StatementRefusedError(f"it holds {what.get(token.text, f'an unclosed {token.text}')}")
    return code


def _check_clauses(code: Sequence[Token]) -> None:
    first = code[0].word if code else ""
    if first not in _FIRST:
        raise StatementRefusedError(f"it begins with {first or 'no keyword'}; begin with {', '.join(_FIRST)}")
    for n, token in enumerate(code):
        if token.word in _WRITING and not _is_name(code, n):
            raise StatementRefusedError(
                f"{token.word} is not allowed, since it only reads; write `{token.text}` if it is a name"
            )
        if token.symbol == "=~":
            raise StatementRefusedError(
                "a regular expression (=~) may never end; use CONTAINS, STARTS WITH or ENDS WITH, and toLower"
            )


def _is_name(code: Sequence[Token], n: int) -> bool:
    """Whether a word is a property, label, type, parameter, key or variable with a label, and no keyword."""
    before, ahead = _symbol(code, n - 1), _symbol(code, n + 1)
    if before == ".":
        return n > 1 and (bool(code[n - 2].identifier) or code[n - 2].symbol in (")", "]", "}"))
    return before in ("$", ":") or ahead == ":"


def _symbol(code: Sequence[Token], n: int) -> str:
    return code[n].symbol if 0 <= n < len(code) else ""


def _word(code: Sequence[Token], n: int) -> str:
    return code[n].word if 0 <= n < len(code) else ""


def _dotted(code: Sequence[Token], end: int) -> str:
    """The name that ends at a token, with the names and dots before it."""
    parts = [code[end].identifier]
    while end > 1 and _symbol(code, end - 1) == "." and code[end - 2].identifier:
        end -= 2
        parts.append(code[end].identifier)
    return ".".join(reversed(parts))


def _check_functions(code: Sequence[Token]) -> None:
    for n, token in enumerate(code[:-1]):
        if not token.identifier or _symbol(code, n + 1) != "(" or _called_as_procedure(code, n):
            continue
        if token.word in _BEFORE_BRACKET or _symbol(code, n - 1) == ":":
            continue
        name = _dotted(code, n)
        if name.lower() not in _FUNCTIONS:
            near = difflib.get_close_matches(name.lower(), _FUNCTIONS, n=1, cutoff=0.8)
            hint = f"did you mean {near[0]}?" if near else "docs/rules.md lists those that it may"
            raise StatementRefusedError(f"it may not call the function {name}; {hint}")


def _called_as_procedure(code: Sequence[Token], end: int) -> bool:
    """Whether the name that ends at a token is that of a CALL."""
    while end > 1 and _symbol(code, end - 1) == "." and code[end - 2].identifier:
        end -= 2
    return _word(code, end - 1) == "CALL" and not _is_name(code, end - 1)


def _check_calls(code: Sequence[Token], allowed: Collection[str]) -> None:
    for n, token in enumerate(code):
        if token.word != "CALL" or _is_name(code, n) or _symbol(code, n + 1) in ("{", "("):
            continue
        end = n + 1
        while _symbol(code, end + 1) == ".":
            end += 2
        name = _dotted(code, end) if end < len(code) else ""
        if name.lower() not in allowed:
            raise StatementRefusedError(
                f"it may not call the procedure {name}; TRAILMIX_RULE_PROCEDURES lists those that it may"
            )


def _loops(code: Sequence[Token]) -> Iterator[int]:
    """The brackets of `any(x IN ...)` and the like, and of list comprehensions."""
    for n, token in enumerate(code):
        names_an_element = n + 2 < len(code) and code[n + 1].identifier and _word(code, n + 2) == "IN"
        if names_an_element and (
            token.symbol == "[" or (token.symbol == "(" and _word(code, n - 1) in _LOOPS)
        ):
            yield n


def _check_loops(code: Sequence[Token]) -> None:
    loops = set(_loops(code))
    for n in loops:
        around = code[n].enclosing
        while around >= 0:
            if around in loops:
                raise StatementRefusedError(
                    "a loop over a list stands in another, which no engine can stop; use UNWIND for one"
                )
            around = code[around].enclosing


def _check_patterns(code: Sequence[Token]) -> None:
    """No list is made of a pattern, and no expression has a long one: ArcadeDB does not stop those."""
    matched = _matched(code)
    for n, token in enumerate(code):
        if token.symbol == "[" and not _is_relation(code, n):
            first = n + 3 if _symbol(code, n + 2) == "=" else n + 1
            if _symbol(code, first) == "(" and any(x.symbol == "|" and x.enclosing == n for x in code[n:]):
                raise StatementRefusedError(
                    "a list made of a pattern, [(a)--(b) | ...], cannot be stopped; use MATCH and collect"
                )
        if not matched[n] and _is_long(code, n):
            raise StatementRefusedError(
                "a pattern of more than one relation in an expression cannot be stopped; use EXISTS { ... }"
            )


def _is_long(code: Sequence[Token], n: int) -> bool:
    """Whether a token is the bracket of a relation of variable length, or of a node between two relations."""
    if code[n].symbol == "[":
        return _is_relation(code, n) and any(x.symbol == "*" for x in _inside(code, n))
    if code[n].symbol != ")" or (node := _next_node(code, n)) is None:
        return False
    closing = next(m for m in range(node + 1, len(code)) if _is_pair(code, node, m) and code[m].symbol == ")")
    return _next_node(code, closing) is not None


def _next_node(code: Sequence[Token], n: int) -> int | None:
    """The opening bracket of the node that a relation joins to the one that closes at a token."""
    n += 2 if _symbol(code, n + 1) == "<" else 1
    if _symbol(code, n) != "-":
        return None
    n += 1
    if _symbol(code, n) == "[":
        n = next(m for m in range(n + 1, len(code)) if code[m].symbol == "]" and _same_level(code, n, m)) + 1
    if _symbol(code, n) != "-":
        return None
    n += 2 if _symbol(code, n + 1) == ">" else 1
    return n if _symbol(code, n) == "(" else None


def _same_level(code: Sequence[Token], n: int, m: int) -> bool:
    return code[n].enclosing == code[m].enclosing


def _matched(code: Sequence[Token]) -> list[bool]:
    """For each token, whether it belongs to a MATCH or a subquery, and not to an expression."""
    found: list[bool] = []
    state = {-1: False}
    for n, token in enumerate(code):
        if token.word in _CLAUSES and not _is_name(code, n):
            state[token.enclosing] = token.word == "MATCH"
        found.append(state[token.enclosing])
        if token.symbol in ("(", "[", "{"):
            state[n] = _opens_subquery(code, n) or found[n]
    return found


def _check_ranges(code: Sequence[Token]) -> None:
    """Every `range` has numbers for bounds, and not too many between them."""
    for n, token in enumerate(code):
        if token.identifier.lower() != "range" or _symbol(code, n + 1) != "(":
            continue
        inside = "".join(x.text for x in _inside(code, n + 1))
        found = re.fullmatch(r"(-?\d+),(-?\d+)(?:,(-?\d+))?", inside)
        if found is None or not _short(*(int(x) for x in found.groups() if x is not None)):
            raise StatementRefusedError(
                f"range({inside}) is refused: its bounds are whole numbers, with at most {MAX_RANGE:,} in it"
            )


def _short(first: int, last: int, step: int = 1) -> bool:
    return step != 0 and (last - first) // step < MAX_RANGE


def _inside(code: Sequence[Token], bracket: int) -> Iterator[Token]:
    for token in code[bracket + 1 :]:
        if token.enclosing == code[bracket].enclosing and token.symbol in (")", "]", "}"):
            return
        yield token


def _check_parameters(code: Sequence[Token], parameters: Mapping[str, Any]) -> None:
    used = {x.text: None for n, x in enumerate(code) if _symbol(code, n - 1) == "$"}
    for name in used:
        if name not in parameters:
            near = difflib.get_close_matches(name, parameters, n=1)
            hint = f"did you mean ${near[0]}?" if near else f'add "{name}": VALUE to its parameters'
            raise StatementRefusedError(f"the parameter ${name} has no value; {hint}")
    for name in parameters:
        if name not in used:
            raise StatementRefusedError(f"its parameter {name} is not used; write ${name}, or remove it")


def _check_names(code: Sequence[Token], schema: GraphSchema) -> None:
    """Every label and relation type is one of the schema."""
    labels, types = {x.label for x in schema.labels}, set(schema.ends)
    for n, token in enumerate(code):
        if token.symbol != ":" or not _is_label(code, n):
            continue
        relation = _is_relation(code, token.enclosing)
        known, what = (types, "relation type") if relation else (labels | types, "label")
        in_list = token.enclosing >= 0 and code[token.enclosing].symbol == "[" and not relation
        for name in _label_names(code, n + 1, "&:" if in_list else "&:|"):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(known))}"
                raise StatementRefusedError(f"no {what} {name} in this graph; {hint}")


def _is_label(code: Sequence[Token], n: int) -> bool:
    """Whether a colon begins a label or type, and not a value in a map."""
    around = code[n].enclosing
    if around < 0 or code[around].symbol != "{":
        return True
    return _opens_subquery(code, around)


def _opens_subquery(code: Sequence[Token], brace: int) -> bool:
    if code[brace].symbol != "{":
        return False
    if _word(code, brace - 1) in _SUBQUERIES:
        return True
    if _symbol(code, brace - 1) != ")":
        return False
    opening = next(n for n in range(brace - 2, -1, -1) if _is_pair(code, n, brace - 1))
    return _word(code, opening - 1) == "CALL"


def _is_pair(code: Sequence[Token], n: int, closing: int) -> bool:
    return code[n].symbol == "(" and _same_level(code, n, closing)


def _is_relation(code: Sequence[Token], bracket: int) -> bool:
    """Whether a bracket is that of a relation: after a dash."""
    return bracket > 0 and code[bracket].symbol == "[" and _symbol(code, bracket - 1) == "-"


def _label_names(code: Sequence[Token], n: int, joining: str) -> Iterator[str]:
    """The names in a label expression such as `:A|B&!C`; in a list, `|` ends it."""
    while n < len(code):
        while _symbol(code, n) in ("!", "(", ":"):
            n += 1
        if _symbol(code, n) == "$":
            raise StatementRefusedError("a label or type is written out, and not computed")
        if n >= len(code) or not code[n].identifier:
            return  # % stands for any
        yield code[n].identifier
        n += 1
        while _symbol(code, n) == ")":
            n += 1
        if not _symbol(code, n) or _symbol(code, n) not in joining:
            return
        n += 1
