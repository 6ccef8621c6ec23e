// Tries a running `carat serve` with OpenAI's client for JavaScript.
//
//     npm install openai
//     carat serve MODEL --pooling mean &
//     node scripts/clients/client.mjs [http://127.0.0.1:8080/v1]
//
// Prints what it got, and fails if something is not as the client promises.
import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({baseURL: process.argv[2] ?? "http://127.0.0.1:8080/v1", apiKey: "none", maxRetries: 0});
const model = (await client.models.list()).data[0].id;
const messages = [{role: "system", content: "Be brief."}, {role: "user", content: "What is the capital of France?"}];
const same = {model, messages, max_tokens: 24, seed: 1, temperature: 0.5};

const answer = await client.chat.completions.create({...same, logprobs: true, top_logprobs: 2});
console.log("chat:", answer.choices[0].message.content, answer.usage);
assert.equal(answer.choices[0].logprobs.content[0].top_logprobs.length, 2);

let text = "";
for await (const chunk of await client.chat.completions.create({...same, stream: true})) text += chunk.choices[0]?.delta?.content ?? "";
console.log("stream:", text);
assert.equal(text, answer.choices[0].message.content);

const stream = client.chat.completions.stream({...same, stream_options: {include_usage: true}}); // the client's own accumulation
assert.equal(await stream.finalContent(), text);
assert.equal((await stream.totalUsage()).total_tokens, answer.usage.total_tokens);

const left = await client.chat.completions.create({...same, max_tokens: 400, stream: true}); // a client that leaves
for await (const chunk of left) { assert.ok(chunk.id); left.controller.abort(); break; }

const done = await client.completions.create({model, prompt: "Once upon a time", max_tokens: 8, n: 2, temperature: 1, seed: 7});
console.log("completions:", done.choices.map(c => c.text));
assert.equal(done.choices.length, 2);

const vectors = await client.embeddings.create({model, input: ["a cat", "a dog"]});
console.log("embeddings:", vectors.data.length, "of", vectors.data[0].embedding.length, "numbers");
assert.ok(Math.abs(vectors.data[0].embedding.reduce((sum, v) => sum + v * v, 0) - 1) < 1e-3);

const tools = [{type: "function", function: {name: "get_weather", parameters: {type: "object", properties: {city: {type: "string"}}, required: ["city"]}}}];
const asked = await client.chat.completions.create({model, tools, max_tokens: 48, messages: [{role: "user", content: "What is the weather in Paris?"}]});
const called = await client.chat.completions.create({model, tools, tool_choice: "required", max_tokens: 64, messages: [{role: "user", content: "What is the weather in Paris?"}]});
console.log("tools, required:", called.choices[0].message.tool_calls[0].function);
console.log("tools:", JSON.stringify(asked.choices[0].message.tool_calls ?? asked.choices[0].message.content));

const schema = {type: "object", properties: {city: {type: "string", maxLength: 20}}, required: ["city"], additionalProperties: false};
const held = await client.chat.completions.create({...same, max_tokens: 100, response_format: {type: "json_schema", json_schema: {name: "city", schema, strict: true}}});
console.log("json_schema:", JSON.parse(held.choices[0].message.content));
await assert.rejects(client.chat.completions.create({...same, temperature: -1}), err => err instanceof OpenAI.BadRequestError && err.param === "temperature");
console.log("all is well");
