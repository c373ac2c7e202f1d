import type { Db } from './database/connect.ts';
import { ConfigurationError, type Problem } from './errors.ts';
import type { Hubspot } from './hubspot/client.ts';
import type { Definition } from './hubspot/definition.ts';
import { byName, checkDefinitions, readDefinitions } from './hubspot/properties.ts';
import { judge } from './hubspot/responses.ts';
import type { PreparedObject } from './objects.ts';
import { readStoredDefinitions, storeDefinitions } from './outbox/objects.ts';

/** Where HubSpot's property definitions came from: HubSpot just now, what was kept, or nowhere. */
export type DefinitionSource = 'live' | 'cache' | 'none';

/** Why nothing of an object can be sent, in HubSpot's eyes. `account`: nothing of any object. */
export type Misfit = { kind: 'account' | 'mapping'; code: string; reason: string; problems: Problem[] };

export type Learnt = {
  source: DefinitionSource;
  /** By object. An object that is not there fits, or HubSpot was away. */
  misfits: Map<string, Misfit>;
};

/**
 * Gives each object its definitions: from HubSpot where it answers, else as they were kept. HubSpot being away stops
 * nobody; what it says against the mapping or the token is told.
 */
export async function learnDefinitions(
  db: Db,
  hubspot: Hubspot,
  objects: PreparedObject[],
  signal: AbortSignal,
): Promise<Learnt> {
  const learnt: Learnt = { source: 'live', misfits: new Map() };
  for (const object of objects) {
    const { name } = object.mapping;
    const found = await readDefinitions(hubspot, object.mapping.type, signal);
    if ('definitions' in found) {
      object.definitions = byName(found.definitions);
      await storeDefinitions(db, name, JSON.stringify(found.definitions));
    } else {
      const misfit = refusalOf(judge(found.answer), object);
      if (misfit !== null) learnt.misfits.set(name, misfit);
      const kept = await readStoredDefinitions(db, name);
      object.definitions ??= kept === null ? null : byName(JSON.parse(kept) as Definition[]);
      learnt.source = object.definitions === null || learnt.source === 'none' ? 'none' : 'cache';
    }
    const problems = problemsOf(object);
    if (problems.length > 0 && !learnt.misfits.has(name))
      learnt.misfits.set(name, { kind: 'mapping', code: 'MAPPING_HUBSPOT', reason: sentence(problems), problems });
  }
  return learnt;
}

/** At the start every misfit is the user's to mend. @throws ConfigurationError with all of them */
export function refuseMisfits(file: string, { misfits }: Learnt): void {
  const account = [...misfits.values()].find(({ kind }) => kind === 'account');
  if (account !== undefined) {
    throw new ConfigurationError(`${account.reason} (${account.code})`, {
      code: account.code,
      remedy: 'check HUBSPOT_ACCESS_TOKEN and its scopes in HubSpot',
    });
  }
  const problems = [...misfits.values()].flatMap((misfit) => misfit.problems);
  if (problems.length > 0)
    throw new ConfigurationError(`${file} does not fit HubSpot`, { code: 'MAPPING_HUBSPOT', problems });
}

function problemsOf({ mapping, properties, definitions }: PreparedObject): Problem[] {
  if (definitions === null) return [];
  return checkDefinitions(`objects.${mapping.name}`, mapping.type, properties, mapping.matchOn, definitions);
}

function sentence(problems: readonly Problem[]): string {
  return problems.map(({ message }) => message).join('; ');
}

function refusalOf(verdict: ReturnType<typeof judge>, { mapping }: PreparedObject): Misfit | null {
  if (verdict.kind === 'account') return { kind: 'account', code: verdict.code, reason: verdict.reason, problems: [] };
  if (verdict.kind !== 'mapping') return null;
  const message = `HubSpot has no object type ${mapping.type}`;
  const fix = 'use a name like contacts, companies or deals, or the id of a custom object like 2-1234567';
  const problems = [{ where: `objects.${mapping.name}.type`, message, fix }];
  return { kind: 'mapping', code: 'OBJECT_TYPE', reason: message, problems };
}
