import type { SyncObject } from './batch/runBatch.ts';
import { deriveAll } from './capture/plan.ts';
import type { Mapping } from './config/mapping.ts';
import type { Db } from './database/connect.ts';

/** An object of the mapping with the properties its query returns, checked against the database. */
export type PreparedObject = SyncObject & { properties: string[] };

/** @throws ConfigurationError when the mapping does not fit the database */
export async function prepareObjects(db: Db, mapping: Mapping): Promise<PreparedObject[]> {
  const { derivations } = await deriveAll(db, mapping);
  return derivations.map(({ object, derivation }) => ({
    mapping: object,
    keyKind: derivation.keyKind ?? 'integer',
    definitions: null,
    properties: derivation.properties,
  }));
}
