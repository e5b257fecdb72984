// Makes prebuilds/<platform>-<arch>/onpath.glibc.node with prebuildify, stripped, and where DPDK is installed the driver
// libonpath_dpdk.so.<ABI> beside it. Drivers built against other releases of DPDK may be added to that folder.
// Works in a folder of its own, because prebuildify moves the binary away from where it was built.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from './source-build.mjs';

const prebuildify = promisify(createRequire(import.meta.url)('prebuildify'));
const workFolder = join(packageRoot, 'build', 'prebuild');
const result = join(packageRoot, 'prebuilds', `${process.platform}-${process.arch}`);

rmSync(result, { recursive: true, force: true });
mkdirSync(workFolder, { recursive: true });
try {
  await prebuildify({
    name: 'onpath',
    cwd: workFolder,
    out: packageRoot,
    cache: join(workFolder, 'cache'),
    napi: true,
    strip: true,
    tagLibc: true,
    nodeGyp: join(packageRoot, 'scripts', 'cmake-js-as-node-gyp.mjs'),
  });
} catch (error) {
  console.error(`The prebuild was not made: ${error.message}`);
  process.exit(1);
}
for (const file of readdirSync(result))
  console.log(join('prebuilds', `${process.platform}-${process.arch}`, file));
