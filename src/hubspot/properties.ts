import { didYouMean } from '../config/checker.ts';
import type { Problem } from '../errors.ts';
import type { Answer, Hubspot } from './client.ts';
import type { Definition, Definitions } from './definition.ts';

/** HubSpot's properties of an object type, or the answer that was none. */
export async function readDefinitions(
  hubspot: Hubspot,
  type: string,
  signal: AbortSignal,
): Promise<{ definitions: Definition[] } | { answer: Answer }> {
  const answer = await hubspot.definitions(type, signal);
  const { results } = (answer.body ?? {}) as { results?: unknown };
  if (answer.status !== 200 || !Array.isArray(results)) return { answer };
  return { definitions: results.map((result) => toDefinition(result as Record<string, unknown>)) };
}

export function byName(definitions: readonly Definition[]): Definitions {
  return new Map(definitions.map((definition) => [definition.name, definition]));
}

function toDefinition(property: Record<string, unknown>): Definition {
  const modification = (property.modificationMetadata ?? {}) as { readOnlyValue?: boolean };
  const options = Array.isArray(property.options) ? (property.options as { value: string; label: string }[]) : [];
  return {
    name: String(property.name),
    label: String(property.label ?? property.name),
    type: String(property.type),
    fieldType: String(property.fieldType),
    options: options.map(({ value, label }) => ({ value: String(value), label: String(label) })),
    hasExternalOptions: property.externalOptions === true,
    isReadOnly: modification.readOnlyValue === true || property.calculated === true,
    isUnique: property.hasUniqueValue === true,
    isArchived: property.archived === true,
  };
}

/** Properties whose values identify a record although their definition may not say so. */
const UNIQUE_BY_NATURE: ReadonlyMap<string, readonly string[]> = new Map([
  ['contacts', ['email']],
  ['0-1', ['email']],
]);

/** What HubSpot would refuse of a mapping, before anything is sent. `where` leads to the object in the mapping file. */
export function checkDefinitions(
  where: string,
  type: string,
  names: readonly string[],
  matchOn: string,
  definitions: Definitions,
): Problem[] {
  const usable = [...definitions.values()]
    .filter(({ isArchived, isReadOnly }) => !isArchived && !isReadOnly)
    .map(({ name }) => name);
  const problems: Problem[] = names.flatMap((name) => {
    const definition = definitions.get(name);
    const why =
      definition === undefined
        ? `HubSpot has no property ${name} for ${type}${didYouMean(name, usable)}`
        : unusable(definition);
    return why === null ? [] : [{ where: `${where}.query`, message: why }];
  });
  const match = definitions.get(matchOn);
  const isUnique = match?.isUnique === true || UNIQUE_BY_NATURE.get(type)?.includes(matchOn) === true;
  if (match !== undefined && !isUnique) {
    problems.push({
      where: `${where}.match_on`,
      message: `the property ${matchOn} has no unique values in HubSpot, so it cannot identify a record`,
      fix: 'create a property with unique values in HubSpot (only possible when it is created), and match on that',
    });
  }
  if (!names.includes(matchOn))
    problems.push({
      where: `${where}.query`,
      message: `the query returns no column ${matchOn}, by which match_on identifies a record`,
    });
  return problems;
}

function unusable({ name, isArchived, isReadOnly, type }: Definition): string | null {
  if (isArchived) return `the property ${name} is archived in HubSpot`;
  if (isReadOnly) return `the property ${name} is read-only in HubSpot`;
  if (type === 'json' || type === 'object_coordinates')
    return `the property ${name} is of type ${type}, which cannot be written`;
  return null;
}
