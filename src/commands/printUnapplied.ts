import type { Unapplied } from '../capture/unapplied.ts';
import { plain } from './table.ts';

/** A line on standard error for each object whose triggers are not those of the mapping. It stops nobody. */
export function printUnapplied(unapplied: readonly Unapplied[]): void {
  for (const { object, reason } of unapplied)
    process.stderr.write(`Warning: ${object}: ${plain(reason)}. Run: hubspot-outbox triggers apply\n`);
}
