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

/** Converts a row of the SELECT, all of it or none. Pure. */
export function convertRow(
  columns: readonly SourceColumn[],
  values: readonly SourceValue[],
  definitions: Definitions | null,
  object: ObjectMapping,
): ConvertedRow | UnsendableRow {
  const properties: Record<string, string> = {};
  for (const [index, column] of columns.entries()) {
    const value = values[index] ?? null;
    const converted = convertValue(value, column, definitions?.get(column.name), object.timeZone);
    if ('refused' in converted) {
      return {
        code: 'INVALID_VALUE',
        property: column.name,
        value: shown(value),
        message: `the value ${converted.refused}`,
      };
    }
    properties[column.name] = converted.ok;
  }
  const matchValue = normalizeMatch(object, properties[object.matchOn] ?? '');
  if (matchValue === '') {
    return {
      code: 'MISSING_MATCH',
      property: object.matchOn,
      value: '',
      message: `the record has no ${object.matchOn}, by which HubSpot identifies it`,
    };
  }
  return { matchValue, properties };
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
