// Package page draws reports: everything that a person or another program reads of one is made here from a
// [report.Report], which is not changed.
//
//   - [Terminal]: what is printed after a run;
//   - [HTML] and [SVG]: a page of one file that needs neither scripts nor network, and its plot of size against quality;
//   - [Markdown] and [Card]: for a step summary or a comment, and a model card with front matter;
//   - [CSV] and [JUnit]: figures as a table, gates as test cases.
//
// All of them call figures and verdicts by the same words (judged.go, focus.go, format.go). Names in a report come from
// files and file names: each renderer escapes them for its own format, and none obeys them.
package page
