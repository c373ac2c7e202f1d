import type { ObjectMapping } from '../config/mapping.ts';
import type { Definitions } from '../hubspot/definition.ts';
import type { SourceColumn, SourceValue } from './column.ts';
import { convertValue } from './values.ts';

/** A row as HubSpot takes it. */
export type ConvertedRow = {
  /** As values of `match_on` are compared: HubSpot keeps e-mails in lower case. */
  matchValue: string;
  properties: Record<string, string>;
};

/** A row that cannot be sent, before any call. */
export type UnsendableRow = {
  code: 'INVALID_VALUE' | 'MISSING_MATCH';
  property: string;
  value: string;
  message: string;
};

/** Converts rows of the SELECT, each all of it or none. Pure. */
export function rowConverter(
  columns: readonly SourceColumn[],
  definitions: Definitions | null,
  object: ObjectMapping,
): (values: readonly SourceValue[]) => ConvertedRow | UnsendableRow {
  const blank = blankOf(columns);
  const wanted = columns.map((column, index) => ({ index, column, definition: definitions?.get(column.name) }));
  return (values) => {
    const properties = { ...blank };
    for (const { index, column, definition } of wanted) {
      const value = values[index] ?? null;
      const converted = convertValue(value, column, definition, object.timeZone);
      if ('refused' in converted) return invalid(column, value, converted.refused);
      properties[column.name] = converted.ok;
    }
    const matchValue = normalizeMatch(object, properties[object.matchOn] ?? '');
    return matchValue === '' ? withoutMatch(object) : { matchValue, properties };
  };
}

/**
 * A record with every property, and no value. V8 makes a hash table of an object that is given more than a dozen names
 * one by one, but copies one that was parsed as it is: a third of the memory, wherever the record goes.
 */
function blankOf(columns: readonly SourceColumn[]): Record<string, string> {
  return JSON.parse(JSON.stringify(Object.fromEntries(columns.map(({ name }) => [name, '']))));
}

function invalid({ name }: SourceColumn, value: SourceValue, refused: string): UnsendableRow {
  return { code: 'INVALID_VALUE', property: name, value: shown(value), message: `the value ${refused}` };
}

function withoutMatch({ matchOn }: ObjectMapping): UnsendableRow {
  return {
    code: 'MISSING_MATCH',
    property: matchOn,
    value: '',
    message: `the record has no ${matchOn}, by which HubSpot identifies it`,
  };
}

/** A match value as it is compared. */
export function normalizeMatch({ matchOn }: Pick<ObjectMapping, 'matchOn'>, value: string): string {
  return matchOn === 'email' ? value.trim().toLowerCase() : value.trim();
}

/** Whether HubSpot was given just these properties before, in whatever order. */
export function sameContent(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function shown(value: SourceValue): string {
  return value === null ? '' : typeof value === 'string' ? value : value.toString('hex');
}
