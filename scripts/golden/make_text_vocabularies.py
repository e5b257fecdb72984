"""Trains the small vocabularies in test/data/text/components: together they use every component of tokenizer.json that is supported.

usage: make_text_vocabularies.py TEXT OUT    needs tokenizers==0.23.2 and Debian's sentencepiece 0.1.97 (spm_train)
TEXT is training text (UTF-8). The vocabularies are checked in; training again on another text gives others, and then
scripts/golden/make_text.ts has to make the golden vectors again.
"""
import base64
import json
import pathlib
import subprocess
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

text_file, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
lines = text_file.read_text(encoding="utf-8", errors="ignore").splitlines()
SIZE = 900

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
OTHER = r"[A-Z]?[a-z]+|\d{2}|[^\w\s]|\s{2}|\w"  # No known family: for the general way through regular expressions.


def save(name, tokenizer, change=lambda settings: None, special=()):
    """`special`: put in front of the vocabulary before training, added after."""
    settings = json.loads(tokenizer.to_str())
    change(settings)
    with open(out / f"{name}.json", "w", encoding="utf-8") as file:
        json.dump(settings, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
    Tokenizer.from_file(str(out / f"{name}.json"))  # The reference reads what was written.


def train(tokenizer, trainer):
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def byte_level(name, pre_tokenizer, normalizer=None, change=lambda settings: None, added=(), **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, trainers.BpeTrainer(vocab_size=SIZE, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                         special_tokens=["<|endoftext|>"], show_progress=False))
    tokenizer.add_tokens(list(added))
    save(name, tokenizer, change)


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def byte_levels():
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)

    def roberta(settings):
        settings["post_processor"] = {"type": "RobertaProcessing", "sep": ["<|endoftext|>", 0], "cls": ["<|endoftext|>", 0],
                                      "trim_offsets": True, "add_prefix_space": True}

    byte_level("gpt2", pre_tokenizers.ByteLevel(add_prefix_space=True, trim_offsets=True), change=roberta)

    def ignore_merges(settings):
        settings["model"]["ignore_merges"] = True
        # A token that no merge reaches: it comes only as a whole piece.
        vocab = settings["model"]["vocab"]
        vocab["\u0120unreachableword"] = max(vocab.values()) + 1

    byte_level("llama3-style", pre_tokenizers.Sequence([split(LLAMA3), bytes_only]), change=ignore_merges)
    byte_level("regex-removed", pre_tokenizers.Sequence([split(OTHER, "removed", True), bytes_only]))
    byte_level("regex-previous", pre_tokenizers.Sequence([split(r"\d+", "merged_with_previous"), bytes_only]))
    byte_level("regex-next", pre_tokenizers.Sequence([split(r"[.,]", "merged_with_next"), bytes_only]))
    byte_level("regex-contiguous", pre_tokenizers.Sequence([split(r"\s", "contiguous"), bytes_only]))
    byte_level("three-splits", pre_tokenizers.Sequence([
        split(r"\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"),
        split(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
              r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), bytes_only]))
    byte_level("digits", pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                  pre_tokenizers.Punctuation("contiguous"), bytes_only]),
               normalizer=normalizers.NFC())
    byte_level("added-tokens", pre_tokenizers.ByteLevel(add_prefix_space=False), normalizer=normalizers.NFKC(), added=[
        AddedToken("<mask>", lstrip=True, special=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
        AddedToken("word", single_word=True, normalized=False), AddedToken("wordless", normalized=True),
        AddedToken("\u00c5ngstr\u00f6m", normalized=True), AddedToken("<both>", lstrip=True, rstrip=True, single_word=True),
        AddedToken("<ma", normalized=False), AddedToken("whale", normalized=True)])

    def clip_post(settings):
        settings["model"]["end_of_word_suffix"] = "</w>"

    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "),
                                                 normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split(CLIP, "removed", True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    train(tokenizer, trainers.BpeTrainer(vocab_size=SIZE, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                         end_of_word_suffix="</w>", special_tokens=["<|startoftext|>", "<|endoftext|>"],
                                         show_progress=False))
    save("clip-style", tokenizer, clip_post)


def characters():
    """BPE over characters."""
    specials = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    for name, normalizer, pre_tokenizer in [
        ("llama2-style", normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]), None),
        ("metaspace-first", None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False)),
        ("metaspace-split", None, pre_tokenizers.Metaspace(prepend_scheme="always", split=True)),
        ("gemma-style", normalizers.Replace(" ", "\u2581"), pre_tokenizers.Split(" ", "merged_with_previous")),
    ]:
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        # Trained on words, so that no token spans two of them as one of a whole line would.
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        train(tokenizer, trainers.BpeTrainer(vocab_size=SIZE + 259, special_tokens=specials, limit_alphabet=90,
                                             show_progress=False))
        tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                               decoders.Strip(" ", 1, 0)])
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1",
                                                                 special_tokens=[("<s>", 1)])

        def change(settings):
            settings["added_tokens"] = settings["added_tokens"][:3]
            chain = [json.loads(part.__getstate__()) for part in (normalizer, pre_tokenizer) if part is not None]
            settings["normalizer"] = chain[0] if normalizer is not None else None
            settings["pre_tokenizer"] = chain[-1] if pre_tokenizer is not None else None

        save(name, tokenizer, change)
    for name, fuse in [("continuing", False), ("continuing-fused", True)]:
        tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", fuse_unk=fuse, continuing_subword_prefix="@@"))
        tokenizer.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.NFD(), normalizers.StripAccents()])
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace() if fuse else pre_tokenizers.CharDelimiterSplit(" ")
        train(tokenizer, trainers.BpeTrainer(vocab_size=SIZE, special_tokens=["[UNK]"], limit_alphabet=70,
                                             continuing_subword_prefix="@@", show_progress=False))
        save(name, tokenizer)


def word_pieces():
    for name, normalizer, pre_tokenizer in [
        ("bert-style", normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()),
        ("bert-cased", normalizers.BertNormalizer(lowercase=False, strip_accents=True, handle_chinese_chars=False),
         pre_tokenizers.BertPreTokenizer()),
        ("word-pieces", normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(),
                                              normalizers.Strip(left=False)]),
         pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")])),
    ]:
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=30))
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
        tokenizer.decoder = decoders.WordPiece()
        train(tokenizer, trainers.WordPieceTrainer(vocab_size=SIZE, limit_alphabet=80, show_progress=False,
                                                   special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
        if name == "word-pieces":
            tokenizer.enable_truncation(16)
            tokenizer.enable_padding(length=12, pad_id=0, pad_token="[PAD]")
        save(name, tokenizer)


def charsmap_of(model):
    """The precompiled_charsmap of a SentencePiece model: field 2 of field 3 (normalizer_spec)."""
    def fields(data):
        at = 0
        while at < len(data):
            key, at = varint(data, at)
            if key & 7 == 2:
                size, at = varint(data, at)
                yield key >> 3, data[at:at + size]
                at += size
            elif key & 7 == 0:
                _, at = varint(data, at)
            else:
                at += 4 if key & 7 == 5 else 8

    def varint(data, at):
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                return value, at

    spec = next(data for number, data in fields(model) if number == 3)
    return next(data for number, data in fields(spec) if number == 2)


def sentence_pieces():
    def spm(name, *options):
        subprocess.run(["spm_train", f"--input={text_file}", f"--model_prefix={out / name}", f"--vocab_size={SIZE}",
                        "--num_threads=1", "--minloglevel=2", "--max_sentence_length=20000", *options], check=True)
        (out / f"{name}.vocab").unlink()

    spm("unigram", "--model_type=unigram", "--character_coverage=0.995")
    spm("bpe-bytes", "--model_type=bpe", "--byte_fallback=true", "--character_coverage=0.98", "--vocab_size=1200",
        "--normalization_rule_name=identity", "--user_defined_symbols=<sep>,whale", "--control_symbols=<ctl>")
    spm("bpe-plain", "--model_type=bpe", "--normalization_rule_name=identity", "--add_dummy_prefix=false",
        "--remove_extra_whitespaces=false", "--character_coverage=0.995")
    spm("unigram-suffix", "--model_type=unigram", "--treat_whitespace_as_suffix=true", "--normalization_rule_name=identity",
        "--byte_fallback=true", "--character_coverage=0.98", "--vocab_size=1100")


def unigrams():
    charsmap = base64.b64encode(charsmap_of((out / "unigram.model").read_bytes())).decode()
    for name, normalizer, pre_tokenizer in [
        ("t5-style", [], pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])),
        ("xlnet-style", [normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Nmt(),
                         normalizers.Replace(Regex(" {2,}"), " ")], pre_tokenizers.Metaspace()),
    ]:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        train(tokenizer, trainers.UnigramTrainer(vocab_size=SIZE, unk_token="<unk>", show_progress=False,
                                                 special_tokens=["<pad>", "</s>", "<unk>"]))
        tokenizer.pre_tokenizer = pre_tokenizer
        if normalizer:
            tokenizer.normalizer = normalizers.Sequence(normalizer)
        tokenizer.decoder = decoders.Metaspace()
        tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>",
                                                                 special_tokens=[("</s>", 1)])

        def change(settings):
            if name == "t5-style":
                settings["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": charsmap}

        save(name, tokenizer, change)


out.mkdir(parents=True, exist_ok=True)
byte_levels()
characters()
word_pieces()
sentence_pieces()
unigrams()
