"""The scripts that teach a shell to ask us: one a shell, printed by `bashgym completion SHELL`."""

# bash breaks words at `=` and `:`, so the word is taken from the line itself, and what bash holds for done is cut off
BASH = r"""_bashgym() {
    local line=${COMP_LINE:0:COMP_POINT} word words cut candidate
    read -r -a words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    word=${words[${#words[@]}-1]}
    cut=${word%"${word##*[=:]}"}
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("${candidate#"$cut"}")
    done < <(bashgym completion words -- "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} == 1 && ( ${COMPREPLY[0]} == *= || ${COMPREPLY[0]} == *"["* ) ]] && compopt -o nospace
    return 0
}
complete -F _bashgym bashgym
"""

ZSH = r"""#compdef bashgym
_bashgym() {
    local -a closed open
    local line word about more
    while IFS=$'\t' read -r word about more; do
        word=${word//:/\\:}
        if [[ $more == open ]]; then open+=("$word:$about"); else closed+=("$word:$about"); fi
    done < <(bashgym completion table -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( $#closed )) && _describe 'bashgym' closed
    (( $#open )) && _describe 'bashgym' open -S ''
}
compdef _bashgym bashgym
"""

FISH = r"""function __bashgym
    set -l words (commandline -opc) (commandline -ct)
    bashgym completion table -- $words[2..-1] 2>/dev/null | string replace -r '\t(open|)$' ''
end
complete -c bashgym -f -a '(__bashgym)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
