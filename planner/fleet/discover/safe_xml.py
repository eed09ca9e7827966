"""XML without surprises: no entities, no external files, no bottomless nesting."""

from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from planner.errors import BadInput

_DEEPEST = 60


def parse_xml(text: str, where: str) -> Element:
    """Parse a document; raises BadInput when it is not XML, declares entities or nests too deeply."""
    builder, parser = TreeBuilder(), expat.ParserCreate()
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise BadInput("nests too deeply", where=where, expected="the output of nvidia-smi -q -x")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: Any) -> None:
        raise BadInput("declares XML entities", where=where, expected="the output of nvidia-smi -q -x, which has none")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
        return builder.close()
    except expat.ExpatError as error:
        raise BadInput(f"not XML: {expat.ErrorString(error.code)}", where=f"{where}:{error.lineno}") from None
    except (AssertionError, ValueError, LookupError) as error:
        raise BadInput(f"not XML: {error}", where=where) from None
