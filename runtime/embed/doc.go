// Package embed makes vectors of texts with models whose result is one: encoders as BERT, and language models that were trained to
// embed.
//
// A text's tokens are evaluated, and their activations made one vector as <arch>.pooling_type says (pooling.go); [Run] does so for many
// texts, a few hundred tokens at a time, whichever texts they are of. Vectors do not depend on what is evaluated beside a text, nor on
// the number of threads.
//
// [Rank] scores texts by how well they answer a query, with rerankers: models that see both and end in one number.
package embed
