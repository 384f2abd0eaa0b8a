"""`bashgym completion`: the script for a shell, and the words it asks for."""

from bashgym.verbs import parser

ABOUT = """Prints the script that completes verbs, recipes, choices and keys in a shell.

  bash   echo 'eval "$(bashgym completion bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(bashgym completion zsh)"' >> ~/.zshrc     (below compinit)
  fish   bashgym completion fish > ~/.config/fish/completions/bashgym.fish
"""


def main(arguments: list[str]) -> int:
    asked, line = arguments[:1], arguments[2:]
    if asked in (["words"], ["table"]) and arguments[1:2] == ["--"]:  # what the scripts call
        from bashgym.completion import candidates

        for one in candidates(line):
            about = " ".join(one.about.split())
            print(one.word if asked == ["words"] else f"{one.word}\t{about}\t{'open' if one.open else ''}")
        return 0
    took = parser("completion", ABOUT)
    took.add_argument("shell", choices=["bash", "zsh", "fish"])
    from bashgym.recipebook.shells import SCRIPTS

    print(SCRIPTS[took.parse_args(arguments).shell], end="")
    return 0
