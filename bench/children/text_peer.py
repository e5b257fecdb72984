"""A peer of `npm run bench -- text` in Python, for as long as the benchmark runs.

usage: text_peer.py tiktoken-py|gigatoken|quicktok VOCABULARY FOLDER
VOCABULARY is a .tiktoken file or a tokenizer.json. Says `ready` and versions as JSON, then reads lines, as text-peer.ts does:
    whole CORPUS N    slice N of FOLDER in one call      -> ns NANOSECONDS
    ids CORPUS N                                         -> sha256 HEX
"""
import base64
import hashlib
import importlib.metadata
import json
import os
import pathlib
import sys
import time

os.environ.update(RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")

CONTRACTIONS = r"'(?i:[sdmt]|ll|ve|re)"
PATTERNS = {
    "cl100k_base": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
    r"|\s+(?!\S)|\s",
    "o200k_base": "|".join([
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"]),
}


def tiktoken_py(vocabulary):
    import tiktoken

    ranks = {}
    for line in vocabulary.read_text().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    encoding = tiktoken.Encoding(vocabulary.stem, pat_str=PATTERNS[vocabulary.stem], mergeable_ranks=ranks, special_tokens={})
    return encoding.encode_ordinary, "tiktoken"


def gigatoken(vocabulary):
    import gigatoken

    if vocabulary.suffix == ".tiktoken":
        tokenizer = gigatoken.Tokenizer.from_tiktoken(vocabulary)
    else:
        tokenizer = gigatoken.Tokenizer(vocabulary)
    return tokenizer.encode, "gigatoken"


def quicktok(vocabulary):
    import quicktok

    return quicktok.get_encoding(vocabulary.stem).encode, "quicktok-v1"


def main():
    name, vocabulary, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    encode, package = {"tiktoken-py": tiktoken_py, "gigatoken": gigatoken, "quicktok": quicktok}[name](vocabulary)
    print("ready", json.dumps({package: importlib.metadata.version(package)}), flush=True)
    for line in sys.stdin:
        command, corpus, index = line.split()
        # Line ends as they are; read_text() knows `newline` since Python 3.13 only.
        text = (folder / f"{corpus}-{int(index):02}.txt").read_bytes().decode("utf-8")
        begin = time.perf_counter_ns()
        ids = encode(text)
        ns = time.perf_counter_ns() - begin
        if command == "ids":
            data = b"".join(int(i).to_bytes(4, "little") for i in ids)
            print("sha256", hashlib.sha256(data).hexdigest(), flush=True)
        else:
            print("ns", ns, flush=True)


main()
