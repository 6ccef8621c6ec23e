package task

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/gguf"
)

func ask(t *testing.T, task, data string, m Model, o Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), lookup(t, task), parse(t, task, data), m, nil, o)
	require.NoError(t, err)
	return r
}

func letter(right bool) string {
	if right {
		return "r"
	}
	return "w"
}

// TestChoicesByHand scores one item under many models: the answers share "r", which llama-perplexity's score leaves out
// and the score by bytes does not.
func TestChoicesByHand(t *testing.T) {
	const context = "Q"
	answers := []string{"red.", "rust", "rather blue"}
	const data = `{"query": "Q", "choices": ["red.", "rust", "rather blue"], "gold": 1}`
	rights, normalized := "", ""
	for seed := range byte(40) {
		r := hashed(seed)
		perToken, perByte := make([]float64, 3), make([]float64, 3)
		for i, a := range answers {
			perToken[i] = r.logProb(context+" r", a[1:]) / float64(len(a)-1)
			perByte[i] = r.logProb(context, " "+a) / float64(len(a))
		}
		got := ask(t, "arc-easy", data, fake(r, nil), Options{})
		require.Equal(t, letter(largest(perToken) == 1), got.Answers, "seed %d", seed)
		require.Equal(t, letter(largest(perByte) == 1), letter(got.Normalized.Correct == 1), "seed %d", seed)
		rights += got.Answers
		normalized += letter(got.Normalized.Correct == 1)
	}
	require.Contains(t, rights, "r")
	require.Contains(t, rights, "w")
	require.NotEqual(t, rights, normalized)
}

func TestAnAnswerThatBeginsAnother(t *testing.T) {
	for seed := range byte(10) {
		r := hashed(seed)
		yes, more := r.logProb("Q ye", "s"), r.logProb("Q ye", "s, no")/5
		got := ask(t, "arc-easy", `{"query": "Q", "choices": ["yes", "yes, no"], "gold": 0}`, fake(r, nil), Options{})
		require.Equal(t, letter(yes >= more), got.Answers, "seed %d", seed)
		got = ask(t, "arc-easy", `{"query": "Q", "choices": ["yes, no", "yes"], "gold": 0}`, fake(r, nil), Options{})
		require.Equal(t, letter(more >= yes), got.Answers, "seed %d", seed)
	}
}

// TestWinograndeByHand: the rest of the sentence is scored but for its last token, and the choice too when little follows.
func TestWinograndeByHand(t *testing.T) {
	for _, c := range []struct {
		rest          string
		scored, given [2]string // what is scored after what, for choices Al and Bo of "He saw _"
	}{
		{" run.", [2]string{" run", " run"}, [2]string{"He saw Al", "He saw Bo"}},
		{".", [2]string{"Al", "Bo"}, [2]string{"He saw ", "He saw "}},
		{"e.", [2]string{"e", "e"}, [2]string{"He saw Al", "He saw Bo"}}, // four tokens after the prefix
	} {
		answers := ""
		for seed := range byte(20) {
			r := hashed(seed)
			score := func(i int) float64 {
				return r.logProb(c.given[i], c.scored[i]) / float64(len(c.scored[i]))
			}
			got := ask(t, "winogrande", "0,He saw _"+c.rest+",Al,Bo,2", fake(r, nil), Options{})
			require.Equal(t, letter(score(0) <= score(1)), got.Answers, "seed %d: %q", seed, c.rest)
			require.Nil(t, got.Normalized)
			answers += got.Answers
		}
		require.Contains(t, answers, "r")
		require.Contains(t, answers, "w")
	}
}

func TestLambadaByHand(t *testing.T) {
	// A model that knows "cat" after "the" and nothing else.
	known := func(ids []int32, next int32) float32 {
		text := ""
		for _, id := range ids {
			text += string(bytesTokenizer{}.Piece(id))
		}
		if _, after, ok := cutLast(text, "the"); ok && len(after) < 4 && next == int32(" cat"[len(after)]) {
			return 8
		}
		return 0
	}
	got := ask(t, "lambada", "see the cat\nsee the hat\nsee the cat run\n", fake(known, nil), Options{})
	require.Equal(t, "rww", got.Answers)
	r := rule(known)
	nll := -(r.logProb("see the", " cat") + r.logProb("see the", " hat") + r.logProb("see the cat", " run"))
	require.InDelta(t, math.Exp(nll/3), got.Perplexity, 1e-9*got.Perplexity)
}

func TestGSM8K(t *testing.T) {
	const data = `{"question": "How many?", "answer": "6*7 = 42.\n#### 42"}
{"question": "How much?", "answer": "#### 1,000"}
{"question": "How far?", "answer": "#### 5"}
{"question": "How old?", "answer": "#### 7"}`
	answers := map[string]string{
		"How many?": " 6*7 = 42.\n#### 42.0",
		"How much?": " It is $1,000.\n\nQuestion: How far?\nAnswer: 7",
		"How far?":  " nobody knows",
		"How old?":  " it is 7 years, not 8",
	}
	for _, shots := range []string{"", `{"question": "How long?", "answer": "Two halves.\n#### 2"}`} {
		fed := 0
		o := Options{}
		if shots != "" {
			o.Shots = parse(t, "gsm8k", shots)
		}
		got := ask(t, "gsm8k", data, fake(scripted(answers), &fed), o)
		require.Equal(t, "rrww", got.Answers)
		if shots != "" {
			example := "Question: How long?\nAnswer: Two halves.\n#### 2\n\nQuestion: How "
			require.Less(t, fed, len(example)+4*60, "the example is evaluated once")
		}
	}
	got := ask(t, "gsm8k", data, fake(scripted(answers), nil), Options{MaxTokens: 10})
	require.Equal(t, "rwwr", got.Answers, "of ten bytes each, the numbers are 42, 1, none and 7")
}

func TestLastNumber(t *testing.T) {
	for in, want := range map[string]string{
		"#### 42": "42", "5 or 1,234.50 dollars": "1234.5", "-3": "-3", "5-3": "3", "= -0.0": "0", "$18.": "18", "007": "7",
		"0.50": "0.5", "1,000,": "1000", "none": "", "x - 4": "4", "": "",
	} {
		got, ok := lastNumber(in)
		require.Equal(t, want, got, in)
		require.Equal(t, want != "", ok, in)
	}
}

// TestSharedTokensAreEvaluatedOnce: the context once, and of each answer all but its last token.
func TestSharedTokensAreEvaluatedOnce(t *testing.T) {
	context := strings.Repeat("long ", 20)
	fed := 0
	ask(t, "arc-easy", fmt.Sprintf(`{"query": %q, "choices": ["abc", "def", "ghi"], "gold": 0}`, context), fake(hashed(1), &fed), Options{})
	once := len(context) + 1      // with BOS
	again := len(" ") + len("ab") // of each answer
	repeated := 2                 // the context's last token, for the second and third
	require.Equal(t, once+3*again+repeated, fed)
}

func manyItems() string {
	var b strings.Builder
	for i := range 24 {
		fmt.Fprintf(&b, "Context %d says\n%d\nred\ngreen\nblue\nblack\n", i, i%4)
	}
	return b.String()
}

func TestRunWithReference(t *testing.T) {
	hs := lookup(t, "hellaswag")
	items := parse(t, "hellaswag", manyItems())
	c, r := fake(hashed(1), nil), fake(hashed(2), nil)
	var seen []int
	got, err := Run(context.Background(), hs, items, c, &r, Options{Limit: 20, Progress: func(done, all int, accuracy float64) {
		require.Equal(t, 20, all)
		require.True(t, accuracy >= 0 && accuracy <= 1)
		seen = append(seen, done)
	}})
	require.NoError(t, err)
	require.Len(t, seen, 20)
	alone := ask(t, "hellaswag", manyItems(), r, Options{Limit: 20})
	require.Equal(t, alone.Score, *got.Reference)
	require.Equal(t, alone.Answers, got.ReferenceAnswers)
	rw, wr := 0, 0
	for i := range got.Answers {
		switch got.ReferenceAnswers[i:i+1] + got.Answers[i:i+1] {
		case "rw":
			rw++
		case "wr":
			wr++
		}
	}
	require.Positive(t, rw+wr)
	require.Equal(t, Flips{RightToWrong: rw, WrongToRight: wr, Rate: float64(rw+wr) / 20, P: stats.McNemar(rw, wr)}, *got.Flips)
	require.Equal(t, []int{20, 24}, []int{got.Items, got.Total})
	require.Equal(t, got.Score.Correct, strings.Count(got.Answers, "r"))
	low, high := stats.Wilson(got.Score.Correct, 20, 0.95)
	require.Equal(t, Accuracy{got.Score.Correct, float64(got.Score.Correct) / 20, low, high}, got.Score)

	same := ask(t, "hellaswag", manyItems(), c, Options{})
	picked := hs.pick(24, 20, SelectLlama)
	for i, item := range picked {
		require.Equal(t, same.Answers[item], got.Answers[i], "an item's answer does not depend on those before")
	}
}

func TestRunIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	items := parse(t, "hellaswag", manyItems())
	ref := fake(hashed(2), nil)
	r, err := Run(ctx, lookup(t, "hellaswag"), items, fake(hashed(1), nil), &ref, Options{Progress: func(done, _ int, _ float64) {
		if done == 5 {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, r.Partial)
	require.Equal(t, 5, r.Items)
	require.Len(t, r.ReferenceAnswers, 5)
	r, err = Run(ctx, lookup(t, "hellaswag"), items, fake(hashed(1), nil), nil, Options{})
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, r)
}

func TestRunRejects(t *testing.T) {
	hs, items := lookup(t, "hellaswag"), parse(t, "hellaswag", manyItems())
	broken := fake(func([]int32, int32) float32 { return float32(math.NaN()) }, nil)
	small := fake(hashed(1), nil)
	small.Context = 10
	noBOS := fake(hashed(1), nil)
	noBOS.Tokenizer = bytesTokenizer{}
	for _, c := range []struct {
		name, want string
		m          Model
		task       Task
		items      *Items
		o          Options
	}{
		{"NaN", "items: line 1: ", broken, hs, items, Options{}},
		{"context", "line 1: 20 tokens are needed, the model was trained for 10", small, hs, items, Options{}},
		{"limit", "must not be negative", broken, hs, items, Options{Limit: -1}},
		{"shots", "hellaswag does not use worked examples", broken, hs, items, Options{Shots: items}},
		{"wrong shots", "worked examples must be", fake(hashed(1), nil), lookup(t, "gsm8k"),
			parse(t, "gsm8k", `{"question": "q", "answer": "#### 1"}`), Options{Shots: items}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Run(context.Background(), c.task, c.items, c.m, nil, c.o)
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := Run(context.Background(), hs, items, noBOS, nil, Options{})
	require.NoError(t, err, "without a beginning-of-text token the first token is given")
}
