"""Renders small templates as transformers does, for runtime/chat/jinja's tests.

    python scripts/chat/templates.py runtime/chat/jinja/testdata

Reads templates.txt there (a template a line, as a JSON string) and writes templates.json: template -> text, or null where the
reference refuses. Whitespace around tags is tried in templates made by chance, always the same ones.
"""

import json
import random
import sys

from transformers.utils import chat_template_utils as chat

where = sys.argv[1]
VARS = {
    "s": "Hello, Wörld! <b>&'\"", "empty": "", "n": 7, "f": 2.5, "yes": True, "nothing": None, "l": [3, 1, 2], "e": [],
    "d": {"b": 1, "A": "x", "c": [1, {"k": None}]}, "text": "  one two\tthree\n\nfour  ", "words": ["b", "A", "c", "a"],
    "rows": [{"n": "x", "v": 2, "in": {"k": 1}}, {"n": "y", "v": 1, "in": {"k": 2}}, {"n": "z"}],
}


def render(template):
    try:
        compiled = chat._compile_jinja_template(template)
        return compiled.render(**VARS)
    except Exception:
        return None


templates = [json.loads(line) for line in open(f"{where}/templates.txt") if line.strip()]
rng = random.Random(1)
opens, closes = ["{%", "{%-", "{%+"], ["%}", "-%}", "+%}"]
texts = ["", " ", "\n", "  \n", "\n  ", "a", " a ", "\n a", "a\n", "a \n\n b", "\t"]
for _ in range(300):
    pick = lambda xs: rng.choice(xs)
    t = pick(texts)
    for _ in range(3):
        tag = pick(["if", "out", "comment", "for", "raw", "set"])
        o, c = pick(opens), pick(closes)
        body = pick(texts)
        if tag == "if":
            t += f"{o} if yes {c}{body}{pick(opens)} endif {pick(closes)}"
        elif tag == "for":
            t += f"{o} for i in l {c}{body}{{{{ i }}}}{pick(texts)}{pick(opens)} endfor {pick(closes)}"
        elif tag == "out":
            t += pick(["{{", "{{-"]) + " n " + pick(["}}", "-}}"])
        elif tag == "comment":
            t += pick(["{#", "{#-"]) + " x " + pick(["#}", "-#}"])
        elif tag == "raw":
            t += f"{pick(opens[:2])} raw {pick(closes[:2])}{body}{{{{ x }}}}{pick(texts)}{pick(opens[:2])} endraw {pick(closes[:2])}"
        else:
            t += f"{o} set v = n {c}"
        t += pick(texts)
    templates.append(t)
json.dump({"vars": VARS, "templates": {t: render(t) for t in templates}}, open(f"{where}/templates.json", "w"), ensure_ascii=False, indent=0)
