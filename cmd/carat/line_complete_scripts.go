package main

// shells are those that completionScripts has a script for.
var shells = []string{"bash", "zsh", "fish", "powershell"}

// completionScripts ask carat itself what may follow (complete.go), so they never fall behind the flags.
var completionScripts = map[string]string{
	"bash": `_carat() {
  local cur=${COMP_WORDS[COMP_CWORD]} line
  COMPREPLY=()
  local last=$cur
  [ "$cur" != = ] || cur=
  while IFS= read -r line; do
    if [ "$line" = :files ]; then
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
    else
      COMPREPLY+=("${line%%$'\t'*}")
    fi
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" ".$last" 2>/dev/null)
}
complete -o filenames -F _carat carat
`,
	"zsh": `#compdef carat
_carat() {
  local -a found
  local line files=
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
    else
      found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    fi
  done < <("${words[1]}" __complete "${(@)words[2,CURRENT-1]}" ".${words[CURRENT]}" 2>/dev/null)
  (( ${#found} )) && _describe carat found
  [[ -n $files ]] && _files
  return 0
}
if [ "$funcstack[1]" = _carat ]; then _carat "$@"; else compdef _carat carat; fi
`,
	"fish": `function __carat_complete
  set -l words (commandline -opc)
  set -l word (commandline -ct)
  for line in ($words[1] __complete $words[2..-1] ".$word" 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path "$word"
    else
      echo $line
    end
  end
end
complete -c carat -f -a '(__carat_complete)'
`,
	"powershell": `Register-ArgumentCompleter -Native -CommandName carat -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition -or $_.Extent.Text -ne $wordToComplete } | ForEach-Object { $_.Extent.Text })
  $rest = @($words | Select-Object -Skip 1)
  & $words[0] __complete @rest ".$wordToComplete" 2>$null | ForEach-Object {
    $word, $about = $_ -split "` + "`" + `t", 2
    # Nothing is returned for names of files: PowerShell completes them itself.
    if ($word -ne ':files') {
      if (-not $about) { $about = $word }
      [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
  }
}
`,
}
