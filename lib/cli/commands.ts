/** The subcommands of `onpath`, each read from its file when it is asked for: reading them all takes longer than most of them do. */
import type { Command } from 'commander';

export interface Surroundings {
  /** Sets the exit code. */
  readonly end: (code: number) => void;
  readonly root: Command;
}

type Load = (surroundings: Surroundings) => Promise<Command>;

/** By their headings in the help. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  'This host:': {
    devices: async () => (await import('./devices.js')).devicesCommand(),
    doctor: async ({ end }) => (await import('./doctor.js')).doctorCommand(end),
    completion: async ({ root }) => (await import('./completion.js')).completionCommand(() => root),
  },
  'Making things:': {
    compile: async () => (await import('./compile.js')).compileCommand(),
    bench: async () => (await import('./bench.js')).benchCommand(),
    table: async ({ end }) => (await import('./table.js')).tableCommand(end),
    tokenizer: async () => (await import('./tokenizer.js')).tokenizerCommand(),
  },
  'Planes and packets:': {
    run: async () => (await import('./run.js')).runCommand(),
    send: async () => (await import('./send.js')).sendCommand(),
    recv: async () => (await import('./recv.js')).recvCommand(),
  },
  'A running plane:': {
    load: async () => (await import('./load.js')).loadCommand(),
    swap: async () => (await import('./swap.js')).swapCommand(),
    rollback: async () => (await import('./rollback.js')).rollbackCommand(),
    versions: async () => (await import('./versions.js')).versionsCommand(),
    reload: async () => (await import('./reload.js')).reloadCommand(),
    stats: async () => (await import('./stats.js')).statsCommand(),
    top: async () => (await import('./top.js')).topCommand(),
    capture: async () => (await import('./capture.js')).captureCommand(),
  },
};

/** Those which are made of all the others. */
const OF_ALL: readonly string[] = ['completion', 'help'];

/** Adds the one command that `args` name; all, where they name none, or one that has to know the others. */
export async function addCommands(args: readonly string[], surroundings: Surroundings): Promise<void> {
  const named = args.find((arg) => !arg.startsWith('-'));
  const isAlone =
    named !== undefined &&
    !OF_ALL.includes(named) &&
    Object.values(GROUPS).some((group) => Object.hasOwn(group, named));
  for (const [heading, group] of Object.entries(GROUPS)) {
    for (const [name, load] of Object.entries(group)) {
      if (!isAlone || name === named)
        surroundings.root.addCommand((await load(surroundings)).helpGroup(heading));
    }
  }
}
