package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/embed"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/generate"
	"github.com/carat-llm/carat/runtime/kernel"
)

// tiny is the embedded model, ready to run.
func tiny(t *testing.T) *engine.Engine {
	t.Helper()
	return tinyOf(t, kernel.Exact)
}

func tinyOf(t *testing.T, compute kernel.Compute) *engine.Engine {
	t.Helper()
	e, err := engine.Open("../../testdata/tiny-llama", engine.Options{Threads: 2, Compute: compute, Text: true, Activations: true,
		Source: func(path string) (gguf.Model, error) { return convert.OpenPath(path, convert.Options{OutType: "q8_0"}) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// serve starts a server, which ends with the test.
func serve(t *testing.T, e *engine.Engine, o Options) (*Server, *httptest.Server) {
	t.Helper()
	o.Name = "tiny"
	s, err := New(e, o)
	require.NoError(t, err)
	h := httptest.NewServer(s)
	t.Cleanup(func() { h.Close(); s.Close() })
	return s, h
}

// post sends a body and returns status and answer.
func post(t *testing.T, h *httptest.Server, path, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.Post(h.URL+path, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer r.Body.Close()
	var v map[string]any
	require.NoError(t, json.NewDecoder(r.Body).Decode(&v))
	return r.StatusCode, v
}

// at follows names and numbers into JSON.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			require.True(t, ok, "%v has no %q", v, p)
			v = m[p]
		case int:
			l, ok := v.([]any)
			require.True(t, ok && p < len(l), "%v has no element %d", v, p)
			v = l[p]
		}
	}
	return v
}

// alone is what generate.Run writes in a session of its own.
func alone(t *testing.T, e *engine.Engine, prompt string, o generate.Options) string {
	t.Helper()
	tok, err := e.Tokenizer()
	require.NoError(t, err)
	ids, err := tok.Encode(prompt, true, true)
	require.NoError(t, err)
	s, err := e.NewSession(len(ids) + o.MaxTokens)
	require.NoError(t, err)
	var text bytes.Buffer
	_, _, err = generate.Run(context.Background(), s, e.Vocab(), tok, ids, o, func(b []byte) error { text.Write(b); return nil })
	require.NoError(t, err)
	return text.String()
}

// TestSameAsRun: whatever is answered at the same time, and whatever the slot knew, an answer is that of the model alone.
func TestSameAsRun(t *testing.T) {
	for _, compute := range []kernel.Compute{kernel.Exact, kernel.Fast} {
		t.Run(compute.String(), func(t *testing.T) {
			e := tinyOf(t, compute)
			_, h := serve(t, e, Options{Slots: 3, Queue: 100, Context: 300})
			type result struct {
				prompt string
				seed   int
				text   string
			}
			long := "The end " + strings.Repeat("of the day ", 40)
			prompts := []string{"Once upon a time", "Once upon a time there was a dog", long, long + "and of a night and of a long and very dark dream", "x"}
			const n = 20
			results := make(chan result, n)
			for i := range n {
				go func() {
					prompt, stream := prompts[i%len(prompts)], i%2 == 0
					body, _ := json.Marshal(map[string]any{"prompt": prompt, "max_tokens": 20, "temperature": 1.5, "top_k": 40, "seed": i, "stream": stream, "repeat_penalty": 1.1, "repeat_last_n": 64})
					results <- result{prompt, i, text(h, body, stream)}
				}()
			}
			for range n {
				r := <-results
				want := alone(t, e, r.prompt, generate.Options{MaxTokens: 20, Params: generate.Params{Temperature: 1.5, TopK: 40, TopP: 1, Seed: uint64(r.seed),
					Penalties: generate.Penalties{Repeat: 1.1, LastN: 64}}})
				require.Equal(t, want, r.text, "prompt %q, seed %d", r.prompt, r.seed)
			}
		})
	}
}

// TestReusable: what is read again is read so that every token is among many, or among few, as when all are read.
func TestReusable(t *testing.T) {
	kinds := func(at, n int) (out []bool) { // of tokens from at on: whether they are among many
		for at < n {
			k := piece(at, n-at, block)
			for range k {
				out = append(out, k >= many)
			}
			at += k
		}
		return out
	}
	for _, n := range []int{1, 5, 31, 32, 33, 300, 511, 512, 513, 543, 544, 545, 1024, 1040, 1100} {
		require.Equal(t, len(kinds(0, n)), n)
		for known := range n {
			from := reusable(min(known, readMany(known)), n)
			require.LessOrEqual(t, from, known)
			require.True(t, slices.Equal(kinds(0, n)[from:], kinds(from, n)), "%d of %d", from, n)
			require.NotContains(t, kinds(0, n)[:from], false)
		}
	}
}

// text is the text of a completion, of a stream too; errors are part of it.
func text(h *httptest.Server, body []byte, stream bool) (out string) {
	r, err := http.Post(h.URL+"/v1/completions", "application/json", bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	var v struct {
		Choices []struct{ Text string }
	}
	if !stream {
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil || len(v.Choices) != 1 {
			return fmt.Sprint(r.StatusCode, err)
		}
		return v.Choices[0].Text
	}
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		if err := json.Unmarshal([]byte(data), &v); err != nil || len(v.Choices) != 1 {
			return data
		}
		out += v.Choices[0].Text
	}
	return out
}

func TestPiece(t *testing.T) {
	for _, c := range [][4]int{{0, 10, 128, 10}, {0, 130, 128, 65}, {0, 512, 128, 128}, {0, 5000, 512, 512}, {500, 100, 128, 12}, {512, 513, 128, 128}, {0, 1, 128, 1}} {
		require.Equal(t, c[3], piece(c[0], c[1], c[2]), "%v", c)
	}
	for rest := 1; rest < 1500; rest++ { // a prompt comes to its end, and no piece is small unless the session alone takes it so
		for at := 0; at < rest; {
			n := piece(at, rest-at, shorter)
			require.True(t, n > 0 && n <= shorter && at/block == (at+n-1)/block)
			require.True(t, n >= min(shorter/2, rest-at/block*block), "%d at %d of %d", n, at, rest)
			at += n
		}
	}
}

// TestPrefix: a conversation that goes on is not read again, and what a slot knows is taken by whom it helps most.
func TestPrefix(t *testing.T) {
	_, h := serve(t, tiny(t), Options{Slots: 2, Context: 200})
	first := "Once upon a time there was a little dog. "
	ask := func(prompt string) float64 {
		_, v := post(t, h, "/v1/completions", fmt.Sprintf(`{"prompt": %q, "max_tokens": 2}`, prompt))
		return at(t, v, "usage", "prompt_tokens_details", "cached_tokens").(float64)
	}
	require.Zero(t, ask(first))
	require.Zero(t, ask("Something else"), "the slot that knows a token of it, BOS, is spared")
	require.Greater(t, ask(first+"It was brown."), 8.0)
	_, v := post(t, h, "/v1/completions", fmt.Sprintf(`{"prompt": %q, "max_tokens": 2}`, first+"It was brown."))
	require.Equal(t, at(t, v, "usage", "prompt_tokens").(float64)-1, at(t, v, "usage", "prompt_tokens_details", "cached_tokens"), "the last token is evaluated anew")
}

// TestShared: slots that are given the same prompt at the same time read it once, and answer as if each had read it.
func TestShared(t *testing.T) {
	e := tiny(t)
	s, h := serve(t, e, Options{Slots: 3, Queue: 10, Context: 300})
	prompt := "Once upon a time " + strings.Repeat("there was a dog ", 30)
	_, v := post(t, h, "/v1/completions", fmt.Sprintf(`{"prompt": %q, "n": 5, "max_tokens": 6, "temperature": 1, "seed": 7}`, prompt))
	for i := range 5 {
		want := alone(t, e, prompt, generate.Options{MaxTokens: 6, Params: generate.Params{Temperature: 1, TopP: 1, Seed: uint64(7 + i)}})
		require.Equal(t, want, at(t, v, "choices", i, "text"))
	}
	tokens := at(t, v, "usage", "prompt_tokens").(float64)
	require.LessOrEqual(t, float64(s.metrics.read.Load()), tokens+2, "those that waited for a slot evaluate the last token anew")
	require.Zero(t, at(t, v, "usage", "prompt_tokens_details", "cached_tokens"))
}

// TestLeaderLeaves: who waits for the prompt of another one reads it when that one leaves, or fails.
func TestLeaderLeaves(t *testing.T) {
	e := tiny(t)
	o := Options{Slots: 2, Queue: 1, Context: 900}
	require.NoError(t, o.settle(e.ContextLength()))
	tok, err := e.Tokenizer()
	require.NoError(t, err)
	s, err := newScheduler(e, tok, o, newMetrics())
	require.NoError(t, err)
	prompt := "Once upon a time " + strings.Repeat("there was a dog ", 150) // more than a step reads
	ids, err := tok.Encode(prompt, true, true)
	require.NoError(t, err)
	require.Greater(t, len(ids), block)
	ctx, leave := context.WithCancel(context.Background())
	var jobs [2]*job
	for i := range jobs {
		jobs[i] = &job{ctx: ctx, prompt: ids, opts: generate.Options{MaxTokens: 4, Params: generate.Params{TopP: 1}}, ready: make(chan struct{}, 1)}
		ctx = context.Background()
	}
	require.NoError(t, s.submit(jobs[:]...))
	require.True(t, s.admit())
	s.step()
	require.NotNil(t, s.slots[1].leader)
	require.Empty(t, s.slots[1].ids)
	leave()
	for !jobs[1].ended {
		require.True(t, s.admit())
		s.step()
	}
	require.ErrorIs(t, jobs[0].take().err, context.Canceled)
	require.Equal(t, alone(t, e, prompt, jobs[1].opts), jobs[1].take().text)
}

func TestChat(t *testing.T) {
	_, h := serve(t, tiny(t), Options{Context: 200})
	status, v := post(t, h, "/v1/chat/completions", `{"model": "any", "unknown": 1, "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
		"max_completion_tokens": 5, "n": 2, "temperature": 1, "seed": 3, "logprobs": true, "top_logprobs": 2}`)
	require.Equal(t, 200, status, v)
	require.Equal(t, "chat.completion", v["object"])
	require.Equal(t, "tiny", v["model"])
	require.Len(t, v["choices"], 2)
	require.Equal(t, "assistant", at(t, v, "choices", 0, "message", "role"))
	require.NotEqual(t, at(t, v, "choices", 0, "message", "content"), at(t, v, "choices", 1, "message", "content"), "they have seeds of their own")
	require.Len(t, at(t, v, "choices", 1, "logprobs", "content"), 5)
	require.Len(t, at(t, v, "choices", 1, "logprobs", "content", 0, "top_logprobs"), 2)
	require.LessOrEqual(t, at(t, v, "choices", 1, "logprobs", "content", 0, "logprob"), 0.0)
	require.Equal(t, "length", at(t, v, "choices", 0, "finish_reason"))
	require.Equal(t, 10.0, at(t, v, "usage", "completion_tokens"))

	_, again := post(t, h, "/v1/chat/completions", `{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}], "max_tokens": 5, "seed": 4, "temperature": 1}`)
	require.Equal(t, at(t, v, "choices", 1, "message", "content"), at(t, again, "choices", 0, "message", "content"))
	require.Nil(t, at(t, again, "choices", 0, "logprobs"))
}

// TestStream: events come in OpenAI's order, with usage if it is wanted.
func TestStream(t *testing.T) {
	_, h := serve(t, tiny(t), Options{Context: 200})
	r, err := http.Post(h.URL+"/v1/chat/completions", "application/json", strings.NewReader(
		`{"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4, "stream": true, "stream_options": {"include_usage": true}}`))
	require.NoError(t, err)
	defer r.Body.Close()
	require.Equal(t, "text/event-stream", r.Header.Get("Content-Type"))
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	events := strings.Split(strings.TrimSpace(string(b)), "\n\n")
	require.Equal(t, "data: [DONE]", events[len(events)-1])
	require.Contains(t, events[0], `"delta":{"role":"assistant","content":""}`)
	require.Contains(t, events[len(events)-2], `"choices":[],"usage":{"prompt_tokens":`)
	require.Contains(t, events[len(events)-3], `"delta":{},"logprobs":null,"finish_reason":"length"`)
}

// TestForms: answers are held to a schema, a grammar, or a call of a tool.
func TestForms(t *testing.T) {
	_, h := serve(t, tiny(t), Options{Context: 400})
	const hello = `"messages": [{"role": "user", "content": "Hello"}], "temperature": 1, "seed": 5, "max_tokens": 150, `
	const schema = `{"type": "object", "properties": {"city": {"type": "string", "maxLength": 5}, "size": {"type": "integer", "minimum": 1, "maximum": 99}}, "required": ["city", "size"], "additionalProperties": false}`
	_, v := post(t, h, "/v1/chat/completions", `{`+hello+`"n": 2, "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": `+schema+`}}}`)
	for i := range 2 {
		var city struct {
			City string
			Size int
		}
		require.NoError(t, json.Unmarshal([]byte(at(t, v, "choices", i, "message", "content").(string)), &city))
		require.NotZero(t, city.Size)
		require.Equal(t, "stop", at(t, v, "choices", i, "finish_reason"))
	}
	_, v = post(t, h, "/v1/completions", `{"prompt": "x", "grammar": "root ::= \"yes\" | \"no\""}`)
	require.Contains(t, []any{"yes", "no"}, at(t, v, "choices", 0, "text"))
	tools := `"tools": [{"type": "function", "function": {"name": "look"}}, {"type": "function", "function": {"name": "find", "parameters": ` + schema + `}}]`
	_, v = post(t, h, "/v1/chat/completions", `{`+hello+tools+`, "tool_choice": {"type": "function", "function": {"name": "find"}}}`)
	require.Equal(t, "find", at(t, v, "choices", 0, "message", "tool_calls", 0, "function", "name"))
	require.Contains(t, at(t, v, "choices", 0, "message", "tool_calls", 0, "function", "arguments"), `"size"`)
	require.Equal(t, "tool_calls", at(t, v, "choices", 0, "finish_reason"))
	status, v := post(t, h, "/v1/chat/completions", `{`+hello+tools+`, "tool_choice": "none"}`)
	require.Equal(t, 200, status)
	require.NotContains(t, at(t, v, "choices", 0, "message"), "tool_calls")
}

func TestCompletions(t *testing.T) {
	_, h := serve(t, tiny(t), Options{Context: 200})
	_, v := post(t, h, "/v1/completions", `{"prompt": ["Once", "Twice"], "echo": true, "n": 2, "max_tokens": 3}`)
	require.Len(t, v["choices"], 4)
	require.True(t, strings.HasPrefix(at(t, v, "choices", 2, "text").(string), "Twice"))
	_, v = post(t, h, "/v1/completions", `{"prompt": [2046, 5, 6], "logprobs": 3, "max_tokens": 3}`)
	require.Equal(t, 3.0, at(t, v, "usage", "prompt_tokens"))
	require.Len(t, at(t, v, "choices", 0, "logprobs", "tokens"), 3)
	whole := at(t, v, "choices", 0, "text").(string)
	require.Equal(t, whole, fmt.Sprint(at(t, v, "choices", 0, "logprobs", "tokens", 0))+fmt.Sprint(at(t, v, "choices", 0, "logprobs", "tokens", 1))+fmt.Sprint(at(t, v, "choices", 0, "logprobs", "tokens", 2)))
	id := at(t, v, "choices", 0, "logprobs", "top_logprobs", 0).(map[string]any)
	require.Len(t, id, 3)
	_, biased := post(t, h, "/v1/completions", `{"prompt": [2046, 5, 6], "logit_bias": {"300": 100}, "max_tokens": 3, "logprobs": 0}`)
	tokens := at(t, biased, "choices", 0, "logprobs", "tokens").([]any)
	require.Equal(t, []any{tokens[0], tokens[0], tokens[0]}, tokens)
}

func TestEmbeddings(t *testing.T) {
	e := tiny(t)
	_, h := serve(t, e, Options{Context: 50})
	status, v := post(t, h, "/v1/embeddings", `{"input": "a"}`)
	require.Equal(t, 400, status)
	require.Contains(t, at(t, v, "error", "message"), "--pooling")

	mean := embed.Mean
	_, h = serve(t, e, Options{Context: 50, Pooling: &mean})
	_, v = post(t, h, "/v1/embeddings", `{"input": ["a text", "another"]}`)
	require.Len(t, v["data"], 2)
	require.Len(t, at(t, v, "data", 1, "embedding"), 256)
	_, coded := post(t, h, "/v1/embeddings", `{"input": "another", "encoding_format": "base64"}`)
	require.Len(t, at(t, coded, "data", 0, "embedding"), 1368)
	_, v = post(t, h, "/v1/embeddings", `{"input": [[5, 6], [7]]}`)
	require.Equal(t, 3.0, at(t, v, "usage", "total_tokens"))
}

// TestRefused: what cannot be meant is an error that names the field.
func TestRefused(t *testing.T) {
	_, h := serve(t, tiny(t), Options{Context: 64, MaxBody: 4000, Key: ""})
	const chat, text, vectors = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
	for _, c := range []struct {
		path, body, param, message string
		status                     int
	}{
		{chat, ``, "", "the body is empty", 400},
		{chat, `{"messages"`, "", "no JSON object", 400},
		{chat, `[]`, "", "no JSON object", 400},
		{chat, `{} {}`, "", "goes on", 400},
		{chat, `{}`, "messages", "at least one", 400},
		{chat, `{"messages": [{}]}`, "messages[0].role", "is missing", 400},
		{chat, `{"messages": "x"}`, "messages", "expected an array", 400},
		{chat, `{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}`, "", "image_url", 400},
		{chat, `{"messages": [{"role": "user", "content": 7}]}`, "", "content", 400},
		{chat, `{"messages": [{"role": "user", "content": "x"}], "top_logprobs": 2}`, "top_logprobs", "needs logprobs", 400},
		{chat, `{"messages": [{"role": "user", "content": "x"}], "tools": [{}]}`, "tools", "tool 0 is not as expected", 400},
		{chat, `{"messages": [{"role": "user", "content": "x"}], "tool_choice": "required"}`, "tool_choice", "no such function", 400},
		{chat, `{"messages": [{"role": "user", "content": "x"}], "tool_choice": "maybe"}`, "tool_choice", "auto, none, required", 400},
		{chat, `{"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "xml"}}`, "response_format", "json_object", 400},
		{chat, `{"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_schema"}}`, "response_format", "is missing", 400},
		{chat, `{"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "x"}}}}`, "response_format", "schema", 400},
		{text, `{"prompt": "x", "grammar": "root ::= nothing"}`, "grammar", "nothing", 400},
		{chat, `{"messages": [{"role": "user", "content": "` + strings.Repeat("long ", 200) + `"}]}`, "", "there is room for 64", 400},
		{chat, `{"messages": [{"role": "user", "content": "` + strings.Repeat("long ", 2000) + `"}]}`, "", "larger than 4000", 413},
		{text, `{}`, "prompt", "is missing", 400},
		{text, `{"prompt": 7}`, "", "neither a string", 400},
		{text, `{"prompt": [1, -1]}`, "prompt", "tokens from 0 to 2047", 400},
		{text, `{"prompt": [[]]}`, "prompt", "is empty", 400},
		{text, `{"prompt": "x", "temperature": -1}`, "temperature", "from 0 to 100", 400},
		{text, `{"prompt": "x", "temperature": "hot"}`, "temperature", "expected a number", 400},
		{text, `{"prompt": "x", "top_p": 0}`, "top_p", "above 0", 400},
		{text, `{"prompt": "x", "max_tokens": 0}`, "max_tokens", "from 1", 400},
		{text, `{"prompt": "x", "max_tokens": 1e99}`, "max_tokens", "expected a whole number", 400},
		{text, `{"prompt": "x", "n": 17}`, "n", "from 1 to 16", 400},
		{text, `{"prompt": "x", "stop": ["a", ""]}`, "stop", "empty", 400},
		{text, `{"prompt": "x", "stop": 3}`, "", "neither a string", 400},
		{text, `{"prompt": "x", "logit_bias": {"x": 1}}`, "logit_bias", "no token", 400},
		{text, `{"prompt": "x", "logit_bias": {"2048": 1}}`, "logit_bias", "no token", 400},
		{text, `{"prompt": "x", "logprobs": 21}`, "logprobs", "from 0 to 20", 400},
		{text, `{"prompt": "x", "suffix": "y"}`, "suffix", "not supported", 400},
		{text, `{"prompt": "x", "best_of": 3}`, "best_of", "must be n", 400},
		{vectors, `{"input": "x", "encoding_format": "int8"}`, "", "--pooling", 400},
		{"/v1/nothing", `{}`, "", "there is no POST /v1/nothing", 404},
	} {
		status, v := post(t, h, c.path, c.body)
		require.Equal(t, c.status, status, "%.80s: %v", c.body, v)
		require.Contains(t, at(t, v, "error", "message"), c.message, "%.80s", c.body)
		if c.param != "" {
			require.Equal(t, c.param, at(t, v, "error", "param"), "%.80s", c.body)
		}
	}
}

// TestWho: keys, hosts and origins.
func TestWho(t *testing.T) {
	s, h := serve(t, tiny(t), Options{Context: 64, Key: "secret", Loopback: true})
	get := func(path string, set func(r *http.Request)) *http.Response {
		r, err := http.NewRequest(http.MethodGet, h.URL+path, http.NoBody)
		require.NoError(t, err)
		set(r)
		a, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		_ = a.Body.Close()
		return a
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	require.Equal(t, 401, get("/v1/models", func(*http.Request) {}).StatusCode)
	require.Equal(t, 401, get("/v1/models", header("Authorization", "Bearer secre")).StatusCode)
	require.Equal(t, 401, get("/v1/models", header("Authorization", "secret")).StatusCode)
	require.Equal(t, 200, get("/v1/models", header("Authorization", "Bearer secret")).StatusCode)
	require.Equal(t, 200, get("/v1/models/tiny", header("Authorization", "Bearer secret")).StatusCode)
	require.Equal(t, 404, get("/v1/models/other", header("Authorization", "Bearer secret")).StatusCode)
	require.Equal(t, 200, get("/health", func(*http.Request) {}).StatusCode)
	require.Equal(t, 200, get("/", func(*http.Request) {}).StatusCode)
	require.Equal(t, 403, get("/health", func(r *http.Request) { r.Host = "evil.example:8080" }).StatusCode)
	require.Equal(t, 200, get("/health", func(r *http.Request) { r.Host = "localhost:8080" }).StatusCode)
	require.Equal(t, 403, get("/health", header("Origin", "https://evil.example")).StatusCode)
	require.Equal(t, 200, get("/health", header("Origin", h.URL)).StatusCode)
	s.o.Origins = "https://good.example"
	require.Equal(t, "https://good.example", get("/health", header("Origin", "https://good.example")).Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, 403, get("/health", header("Origin", "https://evil.example")).StatusCode)
}

func TestMetrics(t *testing.T) {
	_, h := serve(t, tiny(t), Options{Context: 64, Slots: 3})
	post(t, h, "/v1/completions", `{"prompt": [1, 2, 3], "max_tokens": 4}`)
	post(t, h, "/v1/completions", `{}`)
	r, err := http.Get(h.URL + "/metrics")
	require.NoError(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	for _, line := range []string{"carat_prompt_tokens_total 3", "carat_slots 3", "carat_queue_length 0",
		`carat_requests_total{path="/v1/completions",status="200"} 1`, `carat_requests_total{path="/v1/completions",status="400"} 1`,
		`carat_request_duration_seconds_count{path="/v1/completions"} 2`, `carat_request_duration_seconds_bucket{path="/v1/completions",le="+Inf"} 2`} {
		require.Contains(t, string(b), line+"\n")
	}
}
