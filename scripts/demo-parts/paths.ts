/** Where the repository is, seen from the compiled demo. */
import { existsSync } from 'node:fs';

/** URL of the repository's root, with a trailing slash. The compiled file lies some folders below it. */
export const packageRoot = findRoot(new URL('./', import.meta.url));

function findRoot(folder: URL): URL {
  return existsSync(new URL('CMakeLists.txt', folder)) ? folder : findRoot(new URL('../', folder));
}
