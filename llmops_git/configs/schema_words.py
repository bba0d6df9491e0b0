"""What a schema error is called in a message for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmops_git.configs.paths import suggestion

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_LIMITS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "minItems": "needs at least {} item(s)",
    "maxItems": "may have at most {} items",
    "minProperties": "needs at least {} entries",
    "maxLength": "may be at most {} characters long",
    "multipleOf": "must be a multiple of {}",
}
_SHOWN = 60


def message_of(error: ValidationError) -> tuple[str, str]:
    """A message and a hint ("" for none) for one error of jsonschema."""
    keyword, instance = str(error.validator), error.instance
    wanted: Any = error.validator_value
    if keyword == "type":
        return _type_message(wanted, instance)
    if isinstance(error.schema, dict) and "x-message" in error.schema:
        return error.schema["x-message"], ""
    if keyword == "required":
        missing = error.message.split("'")[1] if "'" in error.message else str(wanted)
        return f"`{missing}` is missing", ""
    if keyword == "enum":
        choices = [str(choice) for choice in wanted]
        return f"must be one of {', '.join(choices)}, not {show(instance)}", suggestion(str(instance), choices)
    if keyword == "const":
        return f"must be {show(wanted)}, not {show(instance)}", ""
    if keyword == "minLength":
        return "must not be empty", ""
    if keyword == "uniqueItems":
        return "holds the same item twice", ""
    if keyword in _LIMITS:
        limit = _LIMITS[keyword].format(wanted)
        return (limit if isinstance(instance, str | list | dict) else f"{limit}, not {show(instance)}"), ""
    return f"{error.message}"[:300], ""


def _type_message(wanted: Any, instance: Any) -> tuple[str, str]:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    hint = ""
    if "string" in names and isinstance(instance, bool | int | float):
        hint = f'quote it: "{str(instance).lower() if isinstance(instance, bool) else instance}"'
    return f"must be {' or '.join(_TYPES[name] for name in names)}, not {show(instance)}", hint


def show(value: Any) -> str:
    """A value, short, as a message shows it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"`{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}`"
