import type { SyncObject } from './batch/runBatch.ts';
import { type Applied, appliedOf } from './capture/applied.ts';
import { deriveAll } from './capture/plan.ts';
import type { Mapping } from './config/mapping.ts';
import type { Db } from './database/connect.ts';

/**
 * An object of the mapping with the properties its query returns, checked against the database; and what applying its
 * triggers would remember.
 */
export type PreparedObject = SyncObject & { properties: string[]; applied: Applied };

/** @throws ConfigurationError when the mapping does not fit the database */
export async function prepareObjects(db: Db, mapping: Mapping): Promise<PreparedObject[]> {
  const { derivations } = await deriveAll(db, mapping);
  return derivations.map(({ object, derivation }) => ({
    mapping: object,
    keyKind: derivation.keyKind ?? 'integer',
    definitions: null,
    properties: derivation.properties,
    applied: appliedOf(object, derivation),
  }));
}
