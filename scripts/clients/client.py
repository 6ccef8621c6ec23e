"""Tries a running `carat serve` with OpenAI's client for Python.

    pip install openai
    carat serve MODEL --pooling mean &
    python scripts/clients/client.py [http://127.0.0.1:8080/v1]

Prints what it got, and fails if something is not as the client promises.
"""
import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1", api_key="none", max_retries=0)
model = client.models.list().data[0].id
assert client.models.retrieve(model).id == model
hello = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the capital of France?"}]

answer = client.chat.completions.create(model=model, messages=hello, max_tokens=24, seed=1, temperature=0.5, logprobs=True, top_logprobs=3)
choice = answer.choices[0]
print("chat:", choice.message.content, "|", choice.finish_reason, "|", answer.usage.prompt_tokens, "+", answer.usage.completion_tokens)
assert choice.logprobs.content and len(choice.logprobs.content[0].top_logprobs) == 3

text, usage = "", None
for chunk in client.chat.completions.create(model=model, messages=hello, max_tokens=24, seed=1, temperature=0.5, stream=True, stream_options={"include_usage": True}):
    usage = chunk.usage or usage
    for c in chunk.choices:
        text += c.delta.content or ""
print("stream:", text)
assert text == choice.message.content, "a stream says the same"
assert usage.total_tokens == answer.usage.total_tokens

with client.chat.completions.stream(model=model, messages=hello, max_tokens=8) as stream:  # the client's own accumulation
    kinds = {event.type for event in stream}
    final = stream.get_final_completion()
print("events:", sorted(kinds))
assert final.choices[0].message.role == "assistant"

done = client.completions.create(model=model, prompt=["Once upon a time", "The sky is"], max_tokens=8, n=2, temperature=1, seed=7, logprobs=2, stop=["\n\n"])
print("completions:", [c.text for c in done.choices])
assert len(done.choices) == 4 and done.choices[3].index == 3

vectors = client.embeddings.create(model=model, input=["a cat", "a dog"])
print("embeddings:", len(vectors.data), "of", len(vectors.data[0].embedding), "numbers;", vectors.usage.total_tokens, "tokens")
assert abs(sum(v * v for v in vectors.data[1].embedding) - 1) < 1e-3

weather = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city",
           "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
asked = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "What is the weather in Paris?"}], tools=[weather], max_tokens=48)
calls = asked.choices[0].message.tool_calls
print("tools:", [(c.function.name, json.loads(c.function.arguments)) for c in calls] if calls else "no call: " + repr(asked.choices[0].message.content))
asked = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "What is the weather in Paris?"}], tools=[weather], tool_choice="required", max_tokens=64)
call = asked.choices[0].message.tool_calls[0]
print("tools, required:", call.function.name, json.loads(call.function.arguments))
assert asked.choices[0].finish_reason == "tool_calls"
back = client.chat.completions.create(model=model, max_tokens=16, tools=[weather], messages=[
    {"role": "user", "content": "What is the weather in Paris?"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "abcdefghi", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}]},
    {"role": "tool", "tool_call_id": "abcdefghi", "content": "sunny"}])
print("tool's answer:", back.choices[0].message.content)

schema = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}, "size": {"type": "integer", "minimum": 0, "maximum": 999}}, "required": ["city", "size"], "additionalProperties": False}
held = client.chat.completions.create(model=model, messages=hello, max_tokens=100, response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}})
print("json_schema:", json.loads(held.choices[0].message.content))

for wrong, param in (({"temperature": -1}, "temperature"), ({"n": 0}, "n"), ({"stop": [""]}, "stop")):
    try:
        client.chat.completions.create(model=model, messages=hello, **wrong)
        raise SystemExit(f"{wrong} was not refused")
    except openai.BadRequestError as err:
        assert err.param == param, err
print("all is well")
