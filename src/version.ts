import { readFileSync } from 'node:fs';
import { packagePath } from './packageRoot.ts';

/** The version in package.json. */
export function version(): string {
  const { version: text } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string };
  return text;
}
