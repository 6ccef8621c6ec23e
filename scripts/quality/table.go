package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// measure makes and compares the rows of a group and returns its table.
func (s *setup) measure(ctx context.Context, group string, rows []row) (string, error) {
	if group == "tasks" {
		return s.tasks(ctx, rows)
	}
	var b strings.Builder
	b.WriteString("| at the bytes of | preset | ours |")
	for _, name := range evaluation {
		fmt.Fprintf(&b, " %s |", name)
	}
	b.WriteString(" bars |\n|---|---:|---:|" + strings.Repeat("---|", len(evaluation)+1) + "\n")
	for _, r := range rows {
		f, err := s.files(ctx, r)
		if err != nil {
			return "", err
		}
		d, err := s.compare(ctx, r, f)
		if err != nil {
			return "", err
		}
		b.WriteString(line(r, f, d))
		s.drawn = append(s.drawn, drawn{r.title(), d})
	}
	fmt.Fprintf(&b, "\nMean KL divergence in nats, preset → ours, over %d chunks of 512 tokens of each text; difference, and in brackets its one-sided 95 %% limit "+
		"(paired by token, clustered by chunk), which is what bars are held by. Both files are calibrated by %s.\n", s.chunks, calibratedBy(rows))
	return b.String(), nil
}

func calibratedBy(rows []row) string {
	switch rows[0].calibration {
	case "default":
		return "the text that comes with carat, which shares no passage with the four"
	case "stories":
		return "other stories"
	}
	return "wikitext-2's training text, so that stories, ARC's questions and code are of other kinds"
}

// title is how tables and pictures call a row.
func (r *row) title() string {
	name := r.preset
	if r.pure {
		name += ", pure"
	}
	if r.prefix != "model" {
		name = r.prefix + " " + name
	}
	return name
}

// line is a row of the table.
func line(r row, f files, d map[string]difference) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | %s | %s |", r.title(), megabytes(f.bytes[0]), megabytes(f.bytes[1]))
	for _, text := range evaluation {
		x := d[text]
		fmt.Fprintf(&b, " %s → %s: %+.0f %% (%+.0f) |", nats(x.preset), nats(x.ours), 100*x.relative, 100*x.upper)
	}
	fmt.Fprintf(&b, " %s |\n", verdict(r, d))
	return b.String()
}

// nats is a divergence to four places, or six if it is small.
func nats(v float64) string {
	if v < 0.001 {
		return fmt.Sprintf("%.6f", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// verdict says which bars are held.
func verdict(r row, d map[string]difference) string {
	var missed []string
	held := 0
	for _, text := range evaluation {
		bar := r.outside
		if text == r.home {
			bar = r.inside
		}
		if d[text].upper <= -bar {
			held++
			continue
		}
		missed = append(missed, fmt.Sprintf("%s (%.0f %%)", text, 100*bar))
	}
	if missed == nil {
		return "held"
	}
	return fmt.Sprintf("%d held; missed: %s", held, strings.Join(missed, ", "))
}

func megabytes(n int64) string {
	if n < 10e6 {
		return fmt.Sprintf("%.2f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// replaceSection puts a table in the place of a section of the document at path, between its two comments; a document without it
// gets it at its end.
func replaceSection(path, name, table string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out, err := replaced(string(b), name, table)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(out), 0o644)
}

func replaced(document, name, table string) (string, error) {
	begin := fmt.Sprintf("<!-- quality %s: written by scripts/quality -->\n", name)
	end := fmt.Sprintf("<!-- quality %s: end -->\n", name)
	before, rest, ok := strings.Cut(document, begin)
	if !ok {
		return strings.TrimRight(document, "\n") + "\n\n" + begin + table + end, nil
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		return "", fmt.Errorf("the section %s has no end: %q is missing", name, strings.TrimSpace(end))
	}
	return before + begin + table + end + after, nil
}
