"""Renders conversations with chat templates as transformers does, for runtime/chat's tests.

    python scripts/chat/expected.py runtime/chat/testdata JINJA_MODULE [GOLDEN]

JINJA_MODULE is the folder of github.com/ardanlabs/jinja (go list -m -f '{{.Dir}}' github.com/ardanlabs/jinja), whose tests
have templates of published models; GOLDEN that of CARAT_GOLDEN. Writes expected.json: template -> conversation -> text, or
what transformers says when it refuses.
"""

import datetime
import glob
import json
import os
import sys

import transformers
from transformers.utils import chat_template_utils as chat


class Fixed(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 5, 9, 8, 7)


def message(m, template):
    """Calls of tools as the template wants them: DeepSeek's asks for content that is None, and for arguments that are text."""
    if not m.get("tool_calls") or "['content'] is none" not in template:
        return m
    calls = [dict(c, function=dict(c["function"], arguments=json.dumps(c["function"]["arguments"]))) for c in m["tool_calls"]]
    return dict(m, content=None, tool_calls=calls)


chat.datetime = Fixed
where, module, *golden = sys.argv[1:]
templates = {}
for path in sorted(glob.glob(f"{where}/templates/*.jinja")):
    templates["own/" + os.path.basename(path)] = open(path, newline="").read()
for path in sorted(glob.glob(f"{module}/testdata/templates/*.jinja")):
    templates["module/" + os.path.basename(path)] = open(path, newline="").read()
for folder in golden:
    for path in sorted(glob.glob(f"{folder}/tokenizers/*/tokenizer_config.json")):
        text = json.load(open(path)).get("chat_template")
        if text:
            templates["golden/" + path.split("/")[-2]] = text
conversations = json.load(open(f"{where}/conversations.json"))
out = {}
for name, template in templates.items():
    out[name] = {}
    for case, c in conversations.items():
        messages = [message(m, template) for m in c["messages"]]
        try:
            texts, _ = chat.render_jinja_template(
                conversations=[messages], tools=c.get("tools"), chat_template=template,
                add_generation_prompt=c["add_generation_prompt"], bos_token="<s>", eos_token="</s>", **c.get("vars", {}))
            out[name][case] = texts[0]
        except Exception as e:  # templates raise whatever Jinja and Python do
            out[name][case] = {"error": f"{type(e).__name__}: {e}"}
json.dump({"transformers": transformers.__version__, "texts": out}, open(f"{where}/expected.json", "w"), ensure_ascii=False, indent=1)
