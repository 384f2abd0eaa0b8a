"""Makes one model of an adapter and its base, for programs that cannot load both.

    python -m merged --base DIR --adapter DIR --out DIR

Weights alone are written, in the base's own number format; the tokenizer stays where the adapter is."""

import argparse


def main() -> None:
    parser = argparse.ArgumentParser(prog="merged", description="an adapter and its base as one model")
    parser.add_argument("--base", required=True)
    parser.add_argument("--adapter", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    import sparing  # noqa: F401
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(options.base, dtype="auto")
    PeftModel.from_pretrained(base, options.adapter).merge_and_unload().save_pretrained(options.out)


if __name__ == "__main__":
    main()
