"""As tokspeed, with Hugging Face's tokenizers: hf.py english.txt,code.txt FOLDER... Each text is cut whole and in pieces of
4000 characters, and the faster is printed."""
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer  # noqa: E402


def speed(tok, parts, size):
    start = time.process_time()
    for p in parts:
        tok.encode(p)
    return size / 1e6 / (time.process_time() - start)


for folder in sys.argv[2:]:
    tok = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    for name in sys.argv[1].split(","):
        text = open(name, encoding="utf-8").read()
        pieces = [text[i : i + 4000] for i in range(0, len(text), 4000)]
        size = len(text.encode())
        best = max(speed(tok, [text], size), speed(tok, pieces, size))
        print(f"{os.path.basename(folder):12} {os.path.basename(name):20} {best:6.2f} MB/s")
