// What shells are told. They ask `warden completion words …` at every Tab, so that nothing is listed twice, and handles are those of the moment. What comes back is
// data to all of them: it is never evaluated, and is quoted when it goes on the command line. The first line says what else may stand there.

const bash = `# bash completion for warden: warden completion bash > /etc/bash_completion.d/warden
_warden() {
  local -a answer
  local line text word prefix=
  COMPREPLY=()
  mapfile -t answer < <("\${COMP_WORDS[0]}" completion line "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  # Readline replaces what is behind the last of its word breaks.
  word=\${COMP_LINE:0:COMP_POINT}
  word=\${word##*[[:space:]]}
  [[ $word == *[:=]* ]] && prefix=\${word%"\${word##*[:=]}"}
  for line in "\${answer[@]:1}"; do
    text=\${line%%$'\\t'*}
    printf -v text %q "\${text#"$prefix"}"
    COMPREPLY+=("$text")
  done
  case "\${answer[0]-}" in
    *open*) compopt -o nospace 2>/dev/null ;;
  esac
  case "\${answer[0]-}" in
    *files*)
      compopt -o filenames 2>/dev/null
      word=\${COMP_WORDS[COMP_CWORD]}
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word")
      ;;
  esac
}
complete -F _warden warden
`;

const zsh = `#compdef warden
# zsh completion for warden: warden completion zsh > "\${fpath[1]}/_warden"
_warden() {
  local -a answer texts shown
  local line
  answer=("\${(@f)$("\${words[1]}" completion words "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "\${(@)answer[2,-1]}"; do
    texts+=("\${line%%$'\\t'*}")
    shown+=("\${line/$'\\t'/  -- }")
  done
  if (( \${#texts} )); then
    if [[ \${answer[1]-} == *open* ]]; then compadd -S '' -l -d shown -a texts
    else compadd -l -d shown -a texts
    fi
  fi
  [[ \${answer[1]-} == *files* ]] && _files
  return 0
}
if [[ \${funcstack[1]-} == _warden ]]; then _warden "$@"
elif (( \${+functions[compdef]} )); then compdef _warden warden
fi
`;

const fish = `# fish completion for warden: warden completion fish > ~/.config/fish/completions/warden.fish
function __warden_complete
    set -l before (commandline -opc)
    set -l word (commandline -ct)
    set -l answer (command $before[1] completion words $before[2..-1] "$word" 2>/dev/null)
    if test (count $answer) -gt 1
        printf '%s\\n' $answer[2..-1]
    end
    if string match -q '*files*' -- "$answer[1]"
        __fish_complete_path "$word"
    end
end
complete -c warden -f -a '(__warden_complete)'
`;

export const SHELL_SCRIPTS: ReadonlyMap<string, string> = new Map([['bash', bash], ['zsh', zsh], ['fish', fish]]);
