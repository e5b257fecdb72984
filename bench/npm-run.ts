/** The environment of an npm that is started by a script of npm's. */

/** npm tells a script's children about the package it runs for; the inner npm is to work on the folder it is started in instead. */
export function outsideNpmRun(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name),
    ),
  );
}
