"""The completion scripts; each calls ``haz __suggest`` for every press of the Tab key.

The words before the cursor go behind ``--``; the unfinished one comes last with a ``=`` in front,
because not every shell hands on an empty word.
"""

from __future__ import annotations

_BASH = r"""# bash completion for haz; for every new shell: eval "$(haz completions bash)"
_haz() {
    local words=() word rest=${COMP_LINE:0:COMP_POINT} blank current answer line prefix quote= i
    # bash splits words at : and =; what stands together on the line belongs together.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        blank=${rest%%[![:space:]]*}
        rest=${rest#"$blank"}
        ((i < COMP_CWORD)) || word=$rest # only what is before the cursor
        rest=${rest#"$word"}
        if ((i == 0)) || [[ -n $blank ]]; then
            words+=("$word")
        else
            words[${#words[@]}-1]+=$word
        fi
    done
    current=${words[${#words[@]}-1]}
    if [[ $current == [\"\']* ]]; then
        quote=${current:0:1}
        current=${current#"$quote"}
    fi
    current=${current//\\/}
    words=("${words[@]:1:${#words[@]}-2}")
    COMPREPLY=()
    answer=$("${COMP_WORDS[0]}" __suggest -- "${words[@]}" "=$current" 2>/dev/null) || return
    # What stands before the last : or = has been left alone by readline, outside of quotes.
    prefix=
    if [[ -z $quote ]]; then
        [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && prefix=${current%:*}:
        [[ $COMP_WORDBREAKS == *=* && $current == *=* && -z $prefix ]] && prefix=${current%%=*}=
    fi
    while IFS= read -r line; do
        [[ -n $line ]] || continue
        word=${line%%$'\t'*}
        if [[ -z $word ]]; then
            compopt -o default -o filenames 2>/dev/null
            continue
        fi
        word=${word#"$prefix"}
        [[ -n $quote ]] || printf -v word %q "$word"
        COMPREPLY+=("$word")
    done <<<"$answer"
}
complete -F _haz haz
"""

_ZSH = r"""#compdef haz
# zsh completion for haz; as a file `_haz` in a folder of $fpath, or in ~/.zshrc behind compinit:
# eval "$(haz completions zsh)"
_haz() {
    local -a lines values shown
    local line word about answer places=
    answer=$("${(Q)words[1]}" __suggest -- "${(@Q)words[2,CURRENT-1]}" "=${(Q)PREFIX}" 2>/dev/null)
    lines=("${(@f)answer}")
    for line in "${lines[@]}"; do
        [[ -n $line ]] || continue
        word=${line%%$'\t'*}
        about=${line#*$'\t'}
        if [[ -z $word ]]; then
            places=$about
            continue
        fi
        values+=("$word")
        shown+=("$word${about:+  -- $about}")
    done
    if [[ $places == folders ]]; then
        compset -P '*='
        _files -/
    elif [[ $places == files ]]; then
        compset -P '*='
        _files
    elif ((${#values})); then
        compadd -l -d shown -a values
    else
        return 1
    fi
}
if [[ $funcstack[1] == _haz ]]; then
    _haz "$@"
else
    compdef _haz haz
fi
"""

_FISH = r"""# fish completion for haz; put it into ~/.config/fish/completions/haz.fish
function __haz_suggest
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l current (string replace -r '^["\']' '' -- "$current")
    for line in ($program __suggest -- $words "=$current" 2>/dev/null)
        if string match -q \t'*' -- $line
            __fish_complete_path (string replace -r '^--[^=]*=' '' -- $current)
        else
            echo $line
        end
    end
end
complete -c haz -f -a '(__haz_suggest)'
"""

_POWERSHELL = r"""# PowerShell completion for haz; in $PROFILE:
# haz completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName haz -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements |
        Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object {
            # The value of a quoted word has neither its quotes nor its escapes.
            if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
                $_.Value
            } else { "$_" }
        })
    $program = $commandAst.GetCommandName()
    $current = "$wordToComplete".Trim("'", '"')
    & $program __suggest -- @before "=$current" 2>$null | ForEach-Object {
        $word, $about = $_ -split "`t", 2
        if ($word) {
            if (-not $about) { $about = $word }
            $text = if ($word -match '[\[\]^~ ]') { "'$word'" } else { $word }
            [System.Management.Automation.CompletionResult]::new(
                $text, $word, 'ParameterValue', $about)
        }
    }
}
"""

# By the name of the shell, which reads its script when it starts.
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}
