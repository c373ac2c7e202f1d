import type { Db } from '../database/connect.ts';
import { type Applied, contentChanges, type Remembered, readApplied } from './applied.ts';

/** An object whose triggers are not those of the mapping, as far as the outbox tells. */
export type Unapplied = { object: string; reason: string };

export const UNAPPLIED_REMEDY = 'hubspot-outbox triggers apply';

/**
 * Compares the mapping with what was applied last. The account of a worker sees no triggers, so only what the outbox
 * remembers is compared.
 */
export async function findUnapplied(db: Db, objects: readonly Prepared[]): Promise<Unapplied[]> {
  return unappliedOf(objects, await readApplied(db));
}

type Prepared = { mapping: { name: string }; applied: Applied };

/** The same, of what was read already. Pure. */
export function unappliedOf(objects: readonly Prepared[], remembered: ReadonlyMap<string, Remembered>): Unapplied[] {
  return objects.flatMap(({ mapping: { name }, applied }) => {
    const reason = unappliedReason(remembered.get(name), applied);
    return reason === null ? [] : [{ object: name, reason }];
  });
}

/** Pure. */
export function unappliedReason(last: Remembered | undefined, now: Applied): string | null {
  if (last === undefined || last.hash === null) return 'its triggers were never applied, so no change is noted';
  if (last.applied === null) return 'its triggers were dropped, so no change is noted';
  const changes = contentChanges(last.applied, now);
  if (changes.length > 0) return `since triggers were applied ${changes.join('; ')}`;
  return last.applied.watches === now.watches
    ? null
    : 'its triggers watch other tables or columns than the mapping asks for';
}
