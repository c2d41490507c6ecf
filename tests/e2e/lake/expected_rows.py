"""Computes the rows that the lake must contain for a table's events, independently from docs/lake.md: types by regular
expressions, values by Python's decimal and datetime."""

import datetime
import json
import re
from decimal import Decimal, getcontext

# A decimal128(38, s) has 38 digits, but Python's default context keeps 28.
getcontext().prec = 60

SCALES = (2, 4, 6, 9, 12, 18)
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,19})(?:\.([0-9]{1,18}))?", re.ASCII)
WITH_EXPONENT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?[eE][+-]?[0-9]{1,3}", re.ASCII)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
TIMESTAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?"
                       r"(Z|[+-](?:[01][0-9]|2[0-3])(?::[0-5][0-9])?)?", re.ASCII)
MOMENTS = ("timestamp", "effective_at")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def moment(text):
    """Microseconds since 1970, or None."""
    match = TIMESTAMP.fullmatch(text)
    if not match:
        return None
    day, time, fraction, offset = match.groups()
    if offset and len(offset) == 3:
        offset += ":00"
    try:
        at = datetime.datetime.fromisoformat(f"{day}T{time}.{(fraction or '0').ljust(6, '0')}+00:00")
        shift = datetime.timedelta(0)
        if offset and offset != "Z":
            shift = datetime.timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6])) * (-1 if offset[0] == "-" else 1)
        return (at - shift - EPOCH) // MICROSECOND
    except (ValueError, OverflowError):
        return None


def date(text):
    try:
        return datetime.date.fromisoformat(text) if DATE.fullmatch(text) else None
    except ValueError:
        return None


def decimal_of_digits(digits):
    return f"decimal({next(scale for scale in SCALES if scale >= digits)})"


def type_with_exponent(text):
    """The smallest decimal that has all digits of the number, else string."""
    number = Decimal(text).normalize()
    after = max(0, -number.as_tuple().exponent)
    return decimal_of_digits(after) if after <= SCALES[-1] and abs(number) < 10**20 else "string"


def type_of(text):
    if text in ("true", "false"):
        return "boolean"
    if WITH_EXPONENT.fullmatch(text):
        return type_with_exponent(text)
    number = NUMBER.fullmatch(text)
    if number and number[2]:
        return decimal_of_digits(len(number[2]))
    if number and -2**63 <= int(text) < 2**63:
        return "int64"
    if date(text):
        return "date"
    return "timestamp" if moment(text) is not None else "string"


def scale_of(name):
    match = re.fullmatch(r"decimal\((\d+)\)", name)
    return int(match[1]) if match else None


def joined(a, b):
    if a is None or a == b:
        return b
    scales = [0 if name == "int64" else scale_of(name) for name in (a, b)]
    return max((a, b), key=lambda name: scale_of(name) or 0) if None not in scales else "string"


def column_types(events):
    """The type of each column over all events, or None for a column without a value."""
    types = {}
    for event in events:
        for side in ("old_values", "new_values"):
            for column, text in (event[side] or {}).items():
                types.setdefault(column, None)
                declared = (event["types"] or {}).get(column)
                if declared:
                    types[column] = joined(types[column], declared)
                if text is not None:
                    types[column] = joined(types[column], type_of(text))
    return types


def value(text, name):
    """`text` as a value of that type: bool, int (also for a timestamp, in microseconds), Decimal, date or str."""
    if text is None or name in ("string", None):
        return text
    if name == "boolean":
        return text == "true"
    if name == "date":
        return date(text)
    if name == "timestamp":
        return moment(text)
    return int(text) if name == "int64" else Decimal(text)


def expected_rows(events):
    """The rows that a reader must see, by event_id. Timestamps are in microseconds."""
    types = column_types(events)
    rows = {}
    for event in events:
        row = {name: field for name, field in event.items() if name not in ("old_values", "new_values")}
        for name in MOMENTS:
            row[name] = moment(row[name])
        row["types"] = None if row["types"] is None else json.dumps(row["types"])
        for column, name in types.items():
            for side in ("old", "new"):
                row[f"{side}_{column}"] = value((event[f"{side}_values"] or {}).get(column), name)
        rows[row["event_id"]] = row
    return rows
