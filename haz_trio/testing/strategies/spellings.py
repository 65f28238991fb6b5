"""Whole project files in what YAML has beside lists and mappings, and what they hold (CFG-002 to
CFG-005): merge keys, keys that come twice, anchors, nulls, tags, scalars that look like others."""

from __future__ import annotations

from haz_trio.testing.reference.json_values import Body, Json

_NAME = "@"  # in the files below, for the name of the project


def _tasks(**more: Json) -> Body:
    """What is left of a file with one task."""
    return {"tasks": {"a": {"shell": "x", **more}}}


_TAGGED: Body = {"tags": ["t"]}
_RIGHT: tuple[tuple[str, Body], ...] = (
    # -- merge keys: what is beside them wins, then what comes later -----------------------------
    ("{<<: {tags: [u]}, name: @, tags: [t]}", _TAGGED),
    ("{name: @, tags: [t], <<: {tags: [u]}}", _TAGGED),
    ("{name: @, <<: [{tags: [u]}, {tags: [t]}]}", _TAGGED),
    ("{name: @, <<: [{tags: [u]}, {tags: [v]}, {tags: [t]}]}", _TAGGED),
    ("{name: @, <<: {tags: [u]}, <<: {tags: [t]}}", _TAGGED),
    ("{name: @, <<: {tags: [t]}, <<: {tasks: {a: {shell: x}}}}", {**_TAGGED, **_tasks()}),
    ("{<<: {tasks: {a: {shell: x}}}, name: @, <<: {tags: [t]}}", {**_TAGGED, **_tasks()}),
    ("{name: @, <<: [{tags: [t]}, {tasks: {a: {shell: x}}}]}", {**_TAGGED, **_tasks()}),
    ("{name: @, <<: ~, tasks: {a: {<<: , shell: x}}}", _tasks()),
    ("{name: @, tasks: {<<: {a: {shell: y}}, a: {shell: x}}}", _tasks()),
    ("{name: @, tasks: {a: {shell: x}, <<: {a: {command: [y]}}}}", _tasks()),
    ("{name: @, tasks: {a: {<<: {shell: y, inputs: [i]}, shell: x}}}", _tasks(inputs=["i"])),
    ("{name: @, tasks: {a: {inputs: [i], <<: {shell: x, inputs: [j]}}}}", _tasks(inputs=["i"])),
    (
        "{name: @, tasks: {a: {<<: {shell: x, env: {override: {A: a}}}, env: {from_host: [B]}}}}",
        _tasks(env={"from_host": ["B"]}),
    ),
    (
        "{name: @, tasks: {a: {shell: x, env: {override: {<<: {A: 1, B: 1}, B: 2}}}}}",
        _tasks(env={"override": {"A": "1", "B": "2"}}),
    ),
    (
        "{name: @, tasks: {a: {<<: [{<<: {shell: x}}, {inputs: [v]}], inputs: [w]}}}",
        _tasks(inputs=["w"]),
    ),
    (
        "{name: @, tasks: {a: {<<: [{shell: x, inputs: [u]}, {<<: {inputs: [v]}}]}}}",
        _tasks(inputs=["v"]),
    ),
    ("name: @\n<<: {tasks: {a: {shell: y}}}\n<<: {tasks: {a: {shell: x}}}", _tasks()),
    ("<<:\n- tags: [u]\n- tags: [t]\nname: @", _TAGGED),
    # -- anchors ---------------------------------------------------------------------------------
    (
        "{name: @, tasks: {b: &b {shell: x}, a: {<<: *b, inputs: [y]}, c: *b }}",
        {
            "tasks": {
                "a": {"shell": "x", "inputs": ["y"]},
                "b": {"shell": "x"},
                "c": {"shell": "x"},
            }
        },
    ),
    (
        "name: @\ntasks:\n  a: {shell: &s x, inputs: &i [*s , y], outputs: *i }",
        {"tasks": {"a": {"shell": "x", "inputs": ["x", "y"], "outputs": ["x", "y"]}}},
    ),
    (
        "{name: @, tags: [&t u, &t t], tasks: {*t : {shell: x}}}",
        {"tags": ["u", "t"], "tasks": {"t": {"shell": "x"}}},
    ),
    # -- scalars, nulls, tags --------------------------------------------------------------------
    (
        "{name: @, tags: [0x1F, 1_000, yes, 'null', 010, 1e3, No, 2026-01-01]}",
        {"tags": ["0x1F", "1_000", "yes", "null", "010", "1e3", "No", "2026-01-01"]},
    ),
    (
        "{name: @, tasks: {1: {shell: 1.50}, true: {shell: !!str 12}, 0x1: {shell: 1:30}}}",
        {"tasks": {"1": {"shell": "1.50"}, "true": {"shell": "12"}, "0x1": {"shell": "1:30"}}},
    ),
    (
        "{name: @, tasks: {a: {shell: x, env: {override: {A: 1-1, B: .inf, C: '~', D: 1_0}}}}}",
        _tasks(env={"override": {"A": "1-1", "B": ".inf", "C": "~", "D": "1_0"}}),
    ),
    (
        "name: @\ntags: Null\ntasks: {a: {shell: x, deps: NULL, inputs: null, env: , command: ~}}",
        _tasks(),
    ),
    (
        "{name: @, tags: [!!str Null, 'NULL', nul, nulls], tasks: nulL}",
        {"tags": ["Null", "NULL", "nul", "nulls"]},
    ),
    (
        "{name: @, tasks: {a: {shell: x, command: Null, env: {from_host: NULL, override: nuLL}}}}",
        _tasks(),
    ),
    ("{name: @, tags: !!null x, tasks: {a: {shell: 'x', mutex: NULL}}}", _tasks()),
    ("{name: @, tags: !!str ~, tasks: {a: {shell: x, mutex: !!str Null, <<: !!str }}}", _tasks()),
    ("{name: @, tasks: {a: {shell: !foo x, mutex: 'null'}}}", _tasks(mutex="null")),
    ("{name: @, tasks: {a: {shell: !!binary eA==}}}", _tasks()),
    ("{name: @, tags: [t, ], tasks: {a: {shell: x, }, }, }", {**_TAGGED, **_tasks()}),
    (
        "name: @\ntasks:\n a:\n  shell: |\n   x\n    y\n\n b:\n  shell: >-\n   x\n   y\n",
        {"tasks": {"a": {"shell": "x\n y\n"}, "b": {"shell": "x y"}}},
    ),
    (
        "name: @ # c\ntags: # d\n- t\ntasks: {a: {shell: 'x # y', inputs: [x#y]}}",
        {**_TAGGED, "tasks": {"a": {"shell": "x # y", "inputs": ["x#y"]}}},
    ),
    (
        "{name: @, tasks: {a: {shell: \"a\\u00e9\\n\\x41\"}, b: {shell: 'it''s \"so\"'}}}",
        {"tasks": {"a": {"shell": "aé\nA"}, "b": {"shell": 'it\'s "so"'}}},
    ),
    ("name: @\rtags: [t]\rtasks: {a: {shell: x}}", {**_TAGGED, **_tasks()}),
    ("name: @\r\n? tags\r\n: [t]\r\n", _TAGGED),
)
_WRONG = (
    # -- keys that come twice, compared as texts -------------------------------------------------
    "{name: @, name: @}",
    "{name: @, tags: [t], tags: [u]}",
    "{name: @, tasks: {}, 'tasks': {}}",
    "{name: @, tasks: {a: {shell: x}, a: {shell: y}}}",
    "{name: @, tasks: {1: {shell: x}, '1': {shell: y}}}",
    "{name: @, tasks: {a: {shell: x, shell: x}}}",
    "{name: @, tasks: {a: {shell: x, inputs: [i], inputs: [j]}}}",
    "{name: @, tasks: {a: {shell: x, env: {override: {A: x, A: y}}}}}",
    '{name: @, tasks: {a: {shell: x, env: {override: {A: x, B: y, "A": z}}}}}',
    "{name: @, tasks: {a: {shell: x, env: {from_host: [A], from_host: [B]}}}}",
    "{name: @, tasks: {a: {shell: x, mutex: {name: m, mode: shared, name: m}}}}",
    # -- what is no YAML, or no mapping ----------------------------------------------------------
    "{name: @, <<: [1]}",
    "{name: @, <<: x}",
    "{name: @, <<: {tags: [t], foo: x}}",
    "{name: @, tags: *nope}",
    "{name: @, tags: [*t, &t t]}",
    "{name: @, tags: [t}",
    "{name: @, ? [x] : y}",
    "{name: @, ~: y}",
    "{name: @, '<<': {tags: [t]}}",
    "{name: !!int @}",
    "{name: !!seq @}",
    "- @",
    "@",
    "{name: @, tasks: {a: {shell: x, env: {override: {A: ~}}}}}",
    "{name: @, tags: [~]}",
    "{name: @, tags: [Null]}",
    "{name: @, NULL: y}",
    "{name: NULL, tags: ['@']}",
    "{name: @, tasks: {a: {shell: x, env: {override: {A: NuLL}}}}}",
)
# The files by their texts; those that are refused hold nothing.
SPELLED: dict[str, Body | None] = {
    **{
        text.replace(_NAME, f"Y{number}"): {"name": f"Y{number}", **body}
        for number, (text, body) in enumerate(_RIGHT)
    },
    **{text.replace(_NAME, f"W{number}"): None for number, text in enumerate(_WRONG)},
}
