package general

import "testing"

// FuzzFrontMatter reads any README.md: front matter that does not parse is passed over.
func FuzzFrontMatter(f *testing.F) {
	f.Add([]byte("---\nlicense: mit\nbase_model: [a/b, c/d]\ntags:\n- x\n---\n# Model\n"))
	f.Add([]byte("---\r\nlanguage: en\r\n---"))
	f.Add([]byte("---\n- no map\n---\n"))
	f.Add([]byte("---\na: &a [*a]\n---\n"))
	f.Add([]byte("---\na: &a\n  <<: *a\ntags: *a\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = newFacts().frontMatter(b)
	})
}

// FuzzParseID takes folder and repository names apart.
func FuzzParseID(f *testing.F) {
	f.Add("org/Model-7B-Instruct-v1.2", int64(7_000_000_000))
	f.Add("mixtral-8x7B", int64(-1))
	f.Add("--.. /", int64(0))
	f.Fuzz(func(t *testing.T, s string, params int64) { parseID(s, params) })
}
