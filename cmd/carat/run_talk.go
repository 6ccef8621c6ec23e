package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/runtime/chat"
	"github.com/carat-llm/carat/runtime/generate"
	"golang.org/x/term"
)

const talkHelp = `/help          this text
/clear         forget the conversation, but for the system prompt
/system TEXT   set the system prompt; without TEXT there is none
/save FILE     write the conversation to FILE, as JSON
/load FILE     continue the conversation in FILE
/exit          end; so does Ctrl-D
A line that ends in \ continues on the next one; """ begins a text of several lines, and """ ends it. Ctrl-C stops an answer.
`

// talk is a conversation with a person, or with what a pipe says.
type talk struct {
	s        streams
	c        *chat.Conversation
	options  func() generate.Options // of the next answer
	terminal bool                    // both streams are one
	quiet    bool
	lines    chan string
	readErr  error // once lines is closed
	signals  chan os.Signal
}

// isTerminal reports whether a person is at the other end.
func isTerminal(v any) bool {
	var f *os.File
	switch v := v.(type) {
	case *standardInput:
		f, _ = v.r.(*os.File)
	case io.Writer:
		f = fileOf(v)
	}
	return f != nil && term.IsTerminal(int(f.Fd()))
}

// run talks until the input ends.
func (t *talk) run(ctx context.Context) error {
	if t.terminal {
		// Each answer may be stopped: main's rule, by which a second Ctrl-C ends the process, is put aside.
		signal.Reset(os.Interrupt)
		t.signals = make(chan os.Signal, 2)
		signal.Notify(t.signals, os.Interrupt)
		defer signal.Stop(t.signals)
		fmt.Fprintln(t.s.err, "Say something; /help has the commands.")
	}
	t.lines = make(chan string)
	done := make(chan struct{})
	defer close(done)
	go t.read(done)
	for {
		text, err := t.message(ctx)
		if errors.Is(err, io.EOF) {
			return t.readErr
		}
		if err != nil {
			return err
		}
		switch {
		case strings.TrimSpace(text) == "":
		case strings.HasPrefix(text, "/"):
			end, err := t.command(text)
			if err != nil {
				if !t.terminal {
					return err
				}
				printf(t.s.err, "%v\n", err)
			}
			if end {
				return nil
			}
		default:
			if err := t.answer(ctx, text); err != nil {
				if !t.terminal || !errors.Is(err, gguf.ErrInput) {
					return err
				}
				printf(t.s.err, "%v\n", err)
			}
		}
	}
}

// read sends the lines of the input.
func (t *talk) read(done <-chan struct{}) {
	defer close(t.lines)
	b := bufio.NewReader(io.LimitReader(t.s.in, inputfile.MaxText))
	for {
		line, err := b.ReadString('\n')
		if line != "" {
			select {
			case t.lines <- strings.TrimRight(line, "\r\n"):
			case <-done:
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.readErr = fmt.Errorf("%w: standard input: %w", gguf.ErrEnvironment, err)
			}
			return
		}
	}
}

// line waits for one; a second Ctrl-C ends.
func (t *talk) line(ctx context.Context, prompt string) (string, error) {
	for asked := false; ; asked = true {
		if t.terminal {
			fmt.Fprint(t.s.err, prompt)
		}
		select {
		case line, ok := <-t.lines:
			if !ok {
				if t.terminal {
					fmt.Fprintln(t.s.err)
				}
				return "", io.EOF
			}
			return line, nil
		case <-ctx.Done():
			return "", ctx.Err()
		case <-t.signals:
			if asked {
				fmt.Fprintln(t.s.err)
				return "", io.EOF
			}
			fmt.Fprintln(t.s.err, "\nCtrl-C again, or /exit, ends.")
		}
	}
}

// message is what is said next: one line, or several.
func (t *talk) message(ctx context.Context) (string, error) {
	line, err := t.line(ctx, "> ")
	if err != nil {
		return "", err
	}
	const quotes = `"""`
	if rest, ok := strings.CutPrefix(strings.TrimSpace(line), quotes); ok {
		text := rest
		for !strings.HasSuffix(text, quotes) {
			if line, err = t.line(ctx, ". "); err != nil {
				return "", err
			}
			text += "\n" + line
		}
		return strings.Trim(strings.TrimSuffix(text, quotes), "\n"), nil
	}
	text := ""
	for strings.HasSuffix(line, `\`) {
		text += strings.TrimSuffix(line, `\`) + "\n"
		if line, err = t.line(ctx, ". "); err != nil {
			return "", err
		}
	}
	return text + line, nil
}

// answer asks the model, and writes what it says as it says it.
func (t *talk) answer(ctx context.Context, text string) error {
	if err := inputfile.CheckUTF8("the message", []byte(text)); err != nil {
		return err
	}
	answering, cancel := context.WithCancel(ctx)
	defer cancel()
	answered := make(chan struct{})
	defer close(answered)
	go func() {
		select {
		case <-t.signals:
			cancel()
		case <-answered:
			return
		}
		select {
		case <-t.signals:
			os.Exit(exitInterrupted) // what is under way does not stop
		case <-answered:
		}
	}()
	hidden, begin := 0, time.Now()
	var first time.Time
	a, err := t.c.Answer(answering, text, t.options(), func(piece []byte) error {
		if first.IsZero() {
			first = time.Now()
		}
		_, err := t.s.out.Write(piece)
		return err
	})
	if err != nil {
		if answering.Err() != nil && ctx.Err() == nil { // stopped before it said anything
			fmt.Fprintln(t.s.err)
			return nil
		}
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fmt.Fprintln(t.s.out)
	if first.IsZero() {
		first = time.Now()
	}
	if t.terminal && !t.quiet {
		printf(t.s.err, "[%s", counted(a.Written, "token"))
		if seconds := time.Since(first).Seconds(); a.Written > 1 && seconds > 0 {
			printf(t.s.err, ", %.1f tokens/s", float64(a.Written-1)/seconds)
		}
		printf(t.s.err, "; %d read in %.1f s; %d of %d in use%s]\n", a.Read, first.Sub(begin).Seconds(), t.c.Session.Len(), t.c.Room, stopped(a))
	}
	if a.Hidden > hidden {
		printf(t.s.err, "carat: note: the conversation has no room in %d tokens (--ctx): the model no longer sees its first %d messages; /clear begins anew\n", t.c.Room, a.Hidden)
	}
	if a.Full {
		printf(t.s.err, "carat: warning: the answer ended at %d tokens, the room of the conversation: a larger --ctx, or /clear, gives more\n", t.c.Room)
	}
	return nil
}

// counted is 1 token, 2 tokens.
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}

// tell says on a terminal what a command did.
func (t *talk) tell(format string, args ...any) {
	if t.terminal && !t.quiet {
		printf(t.s.err, "["+format+"]\n", args...)
	}
}

func stopped(a chat.Answer) string {
	if a.Reason == "" {
		return "; stopped"
	}
	return ""
}

// command does what a line that begins with / says.
func (t *talk) command(line string) (end bool, err error) {
	name, argument, _ := strings.Cut(line, " ")
	argument = strings.TrimSpace(argument)
	switch name {
	case "/help", "/?":
		fmt.Fprint(t.s.err, talkHelp)
	case "/exit", "/quit", "/bye":
		return true, nil
	case "/clear":
		t.c.Clear()
		t.tell("the conversation is forgotten")
	case "/system":
		t.c.SetSystem(argument)
	case "/save", "/load":
		if argument == "" {
			return false, usagef("%s needs the name of a file", name)
		}
		if name == "/save" {
			return false, t.save(argument)
		}
		return false, t.load(argument)
	default:
		return false, usagef("unknown command %s; /help lists commands. Write a message that begins with / as \"\"\"/…\"\"\"", name)
	}
	return false, nil
}

// saved is the file of a conversation.
type saved struct {
	Messages []chat.Message `json:"messages"`
}

func (t *talk) save(path string) error {
	b, err := json.MarshalIndent(saved{t.c.Messages}, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(path, append(b, '\n')); err != nil {
		return err
	}
	t.tell("%s saved to %s", counted(len(t.c.Messages), "message"), path)
	return nil
}

func (t *talk) load(path string) error {
	b, err := inputfile.ReadText(path, inputfile.MaxText)
	if err != nil {
		return err
	}
	var v saved
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("%w: %s is not a conversation saved by /save: %w", gguf.ErrInput, path, err)
	}
	for i, m := range v.Messages {
		if m.Role == "" {
			return fmt.Errorf("%w: %s: message %d has no role", gguf.ErrInput, path, i)
		}
	}
	t.c.Clear()
	t.c.Messages = v.Messages
	t.tell("%s loaded from %s", counted(len(v.Messages), "message"), path)
	return nil
}
