// Package serve answers OpenAI's HTTP API with a model.
//
//	s, err := serve.New(engine, serve.Options{Name: "smollm2", Slots: 4, Context: 4096})
//	http.ListenAndServe("127.0.0.1:8080", s)
//
// Paths are /v1/chat/completions, /v1/completions, /v1/embeddings and /v1/models; /health and /metrics for those who watch it; and / is a
// page to chat with.
//
// A request becomes one or several jobs, a sequence of tokens to be written each (job.go). They wait in a queue with an end (scheduler.go)
// for a slot (slot.go), which is a session of the engine: the free one that holds the longest beginning of the prompt already. One goroutine
// steps all slots together, a token of each that is writing and some tokens of prompts that are being read, and so weights are read once
// for all. It never waits for a client: what a job has written waits in the job, whose size max_tokens limits.
//
// An answer is, to the bit, that of generate.Run with the same prompt and parameters, whatever is answered beside it and whatever a slot
// knew. Where kernels for many tokens round otherwise than those for few (fast computation with AMX), some tokens that a slot knows are read
// again for that.
package serve
