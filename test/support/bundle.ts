import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { packagePath } from '../../src/packageRoot.ts';

/**
 * The program with all that it imports in a few files, for a suite that starts it a thousand times: most of a start is
 * the finding and reading of 700 modules. Nothing is left out, renamed or rewritten but blanks and comments.
 */
export async function bundleProgram(): Promise<{ folder: string; file: string }> {
  // Where the program finds its package.json two folders up, and where neither git nor npm pack looks.
  const folder = mkdtempSync(packagePath('node_modules', '.program-'));
  const bundle = await rolldown({
    input: packagePath('src', 'cli.ts'),
    platform: 'node',
    treeshake: false,
    // The drivers of other databases, which knex names and nobody installs.
    logLevel: 'silent',
  });
  await bundle.write({
    dir: folder,
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name]-[hash].mjs',
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
  return { folder, file: join(folder, 'cli.mjs') };
}
