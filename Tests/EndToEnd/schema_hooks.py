"""What schemathesis is told about this interface: identifiers that exist, so that calls go deep, and waits that are short.

Runs in an environment of its own. SCHEMA_PLACES names a file: {"METHOD /path": {"id": …}}, with "*" for any other call.
"""

import json
import os
import pathlib

import schemathesis

PLACES = json.loads(pathlib.Path(os.environ["SCHEMA_PLACES"]).read_text())
WAITS = {"waitMs": 40, "timeout": 40, "timeoutMs": 40, "quietMs": 50}


@schemathesis.hook
def before_call(context, case, kwargs):
    known = PLACES.get(case.operation.label, {})
    for name in known:
        # Every other one stays as it was made up.
        if name in (case.path_parameters or {}) and sum(map(ord, str(case.path_parameters[name]))) % 3:
            case.path_parameters[name] = known[name]
    if isinstance(case.query, dict) and "waitMs" in case.query:
        case.query["waitMs"] = short(case.query["waitMs"], 40)
    if isinstance(case.body, dict):
        for name, most in WAITS.items():
            if name in case.body:
                case.body[name] = short(case.body[name], most)


def short(value, most):
    return min(value, most) if isinstance(value, int) and not isinstance(value, bool) else value
