// Package calibration is about the texts by which weights are rounded and types are chosen: a mix that ships with carat,
// and mixes of any folder of texts.
//
//	m := calibration.Default()                   // carat's own
//	m, err := calibration.Read(os.DirFS("texts")) // a folder's
//	m = calibration.Turns(m, calibration.Default())
//	chunks, err := m.Chunks(tokenizer, render, 512, 32)
//
// # What a mix is
//
// A folder is read in the order of names. A file is cut into documents of some 1,600 bytes, which end at an empty line, or at
// least at the end of one. The files and folders of a folder take turns, whichever has had least text so far, down to the last folder: so
// the first documents are of every kind that the folder has, and the first N chunks of tokens are a mix for every N.
//
// A file called *.jsonl has an object a line: {"text": "…"}, or a conversation {"messages": [{"role": "user", "content":
// "…"}, …]}, which is written as the model to be calibrated has conversations, by its chat template. Files and folders whose
// names begin with a dot are left out, and so are files that are not UTF-8, which Mix.LeftOut lists.
//
// # The default
//
// Conversations, code, prose (expository, articles, tales, lessons, everyday), numbers (mathematics, tables, records), and thirty languages, of
// which those stay that the model knows (Mix.Known): texts/ has them, texts/SOURCES.md who wrote them and their
// licences. One document of seven of each kind is held out, so that there is a text of the same kinds which calibration has
// not seen. They share nothing with the usual evaluation texts.
//
// # Identity
//
// A mix is identified by the SHA-256 of Mix.Text, all documents with their conversations in plain words, which does not depend on the
// model.
package calibration
