/** `onpath completion`: what a shell offers when Tab is pressed, made of the commands as they are. */
import { Argument, Command, type Option } from 'commander';
import { Terminal, write } from './terminal.js';

/** @param root the command that all others are below, asked for when they are */
export function completionCommand(root: () => Command): Command {
  return new Command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash']))
    .addHelpText(
      'after',
      `
Examples:
  source <(onpath completion bash)
  onpath completion bash > ~/.local/share/bash-completion/completions/onpath`,
    )
    .action(async (shell: string, options: { readonly json?: boolean }) => {
      const script = bashScript(root());
      // As it is: the text of `result` is for people, and may be painted.
      if (options.json === true) await new Terminal(options).result({ shell, script }, script);
      else await write(script);
    });
}

/** Where there is nothing to offer, bash offers files. */
function bashScript(root: Command): string {
  const all = nodes(root);
  const below = all.map(({ path }) => path).filter((path) => path !== '');
  return `# Completes onpath ${root.version()} in bash: source <(onpath completion bash)
_onpath() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command= options= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i]}" in
      ${below.map(quoted).join(' | ')}) command+=" \${COMP_WORDS[i]}" ;;
    esac
  done
  case $command in
${all.map(({ path, options, words }) => `    ${quoted(path)}) options=${quoted(options)} words=${quoted(words)} ;;`).join('\n')}
  esac
  case "$command $before" in
${all.flatMap(({ path, values }) => values.map(([option, choices]) => `    ${quoted(`${path} ${option}`)}) options= words=${quoted(choices)} ;;`)).join('\n')}
  esac
  [[ $word != -* ]] || words=$options
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o bashdefault -o default -F _onpath onpath
`;
}

interface Node {
  /** Its name and those of the commands above it, with a blank before each: '' for the root. */
  readonly path: string;
  readonly options: string;
  /** What may follow in place of an option: commands below, or what its first argument can be. */
  readonly words: string;
  /** What may follow an option that takes a value. */
  readonly values: readonly (readonly [option: string, choices: string])[];
}

function nodes(command: Command, path = ''): Node[] {
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const names = (option: Option) => [option.short, option.long].filter((name) => name !== undefined);
  const commands = help.visibleCommands(command).map((child) => child.name());
  return [
    {
      path,
      options: options.map((option) => option.long ?? option.short).join(' '),
      words: (commands.length > 0 ? commands : (command.registeredArguments[0]?.argChoices ?? [])).join(' '),
      values: options
        .filter(({ required }) => required)
        .flatMap((option) =>
          names(option).map((name) => [name, option.argChoices?.join(' ') ?? ''] as const),
        ),
    },
    ...command.commands.flatMap((child) => nodes(child, `${path} ${child.name()}`)),
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
