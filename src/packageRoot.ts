import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The absolute path of a file of this package, whether the sources run (`src/`) or the build does (`dist/src/`). */
export function packagePath(...parts: string[]): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const root = [join(here, '..'), join(here, '..', '..')].find((folder) => existsSync(join(folder, 'package.json')));
  if (root === undefined) throw new Error(`no package.json above ${here}: the program was removed while it ran`);
  return join(root, ...parts);
}
