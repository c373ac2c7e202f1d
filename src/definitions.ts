import type { Db } from './database/connect.ts';
import { ConfigurationError } from './errors.ts';
import type { Hubspot } from './hubspot/client.ts';
import type { Definition } from './hubspot/definition.ts';
import { byName, checkDefinitions, readDefinitions } from './hubspot/properties.ts';
import { judge } from './hubspot/responses.ts';
import type { PreparedObject } from './objects.ts';
import { readStoredDefinitions, storeDefinitions } from './outbox/objects.ts';

/** Where HubSpot's property definitions came from: HubSpot just now, what was kept, or nowhere. */
export type DefinitionSource = 'live' | 'cache' | 'none';

/**
 * Gives each object its definitions: from HubSpot where it answers, else as they were kept. HubSpot being away stops
 * nobody; what it says against the mapping or the token does.
 * @throws ConfigurationError
 */
export async function learnDefinitions(
  db: Db,
  hubspot: Hubspot,
  objects: PreparedObject[],
  file: string,
  signal: AbortSignal,
): Promise<DefinitionSource> {
  const problems = [];
  let source: DefinitionSource = 'live';
  for (const object of objects) {
    const found = await readDefinitions(hubspot, object.mapping.type, signal);
    if ('definitions' in found) {
      object.definitions = byName(found.definitions);
      await storeDefinitions(db, object.mapping.name, JSON.stringify(found.definitions));
    } else {
      refuse(judge(found.answer), object);
      const kept = await readStoredDefinitions(db, object.mapping.name);
      object.definitions = kept === null ? null : byName(JSON.parse(kept) as Definition[]);
      source = kept === null ? 'none' : source === 'none' ? 'none' : 'cache';
    }
    if (object.definitions !== null) {
      const { name, type, matchOn } = object.mapping;
      problems.push(...checkDefinitions(`objects.${name}`, type, object.properties, matchOn, object.definitions));
    }
  }
  if (problems.length > 0)
    throw new ConfigurationError(`${file} does not fit HubSpot`, { code: 'MAPPING_HUBSPOT', problems });
  return source;
}

function refuse(verdict: ReturnType<typeof judge>, { mapping }: PreparedObject): void {
  if (verdict.kind === 'account') {
    throw new ConfigurationError(`${verdict.reason} (${verdict.code})`, {
      code: verdict.code,
      remedy: 'check HUBSPOT_ACCESS_TOKEN and its scopes in HubSpot',
    });
  }
  if (verdict.kind === 'mapping') {
    throw new ConfigurationError(`objects.${mapping.name}.type: HubSpot has no object type ${mapping.type}`, {
      code: 'OBJECT_TYPE',
      remedy: 'use a name like contacts, companies or deals, or the id of a custom object like 2-1234567',
    });
  }
}
