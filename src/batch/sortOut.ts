import type { ObjectMapping } from '../config/mapping.ts';
import type { Definitions } from '../hubspot/definition.ts';
import type { ClaimedRow } from '../outbox/claim.ts';
import type { Loaded } from '../source/load.ts';
import { QUERY_FAILED } from '../source/queryFailed.ts';
import { type ConvertedRow, rowConverter, sameContent, type UnsendableRow } from '../source/record.ts';

/** A row with the values HubSpot should hold for it now. */
export type Candidate = { row: ClaimedRow; matchValue: string; properties: Record<string, string> };

/** A record refused, by HubSpot or before any call. */
export type Refusal = {
  sourceId: string;
  code: string;
  property?: string;
  value?: string;
  message: string;
  correlationId?: string;
};

export type Sorted = {
  candidates: Candidate[];
  /** HubSpot holds just this already. */
  unchanged: ClaimedRow[];
  /** The query returns no row for these. */
  gone: ClaimedRow[];
  refused: Refusal[];
};

/** What each claimed row asks for, by what the query says about it now. Pure. */
export function sortOut(
  object: ObjectMapping,
  rows: readonly ClaimedRow[],
  loaded: Loaded,
  definitions: Definitions | null,
): Sorted {
  const sorted: Sorted = { candidates: [], unchanged: [], gone: [], refused: [] };
  const convert = rowConverter(loaded.columns, definitions, object);
  for (const row of rows) {
    const values = loaded.rows.get(row.sourceId);
    const failure = loaded.failed.get(row.sourceId);
    if (failure !== undefined) sorted.refused.push(failed(row.sourceId, failure));
    else if (values === undefined) sorted.gone.push(row);
    else if (loaded.ambiguous.has(row.sourceId)) sorted.refused.push(ambiguous(row.sourceId));
    else sortRow(row, convert(values), sorted);
  }
  return sorted;
}

function sortRow(row: ClaimedRow, converted: ConvertedRow | UnsendableRow, sorted: Sorted) {
  if ('code' in converted) {
    sorted.refused.push({ sourceId: row.sourceId, ...converted });
    return;
  }
  const { matchValue, properties } = converted;
  if (isAccepted(row, matchValue, properties)) sorted.unchanged.push(row);
  else sorted.candidates.push({ row, matchValue, properties });
}

function isAccepted(row: ClaimedRow, matchValue: string, properties: Record<string, string>): boolean {
  if (row.hubspotId === null || row.sentProperties === null || row.matchValue !== matchValue) return false;
  return sameContent(row.sentProperties, properties);
}

function failed(sourceId: string, message: string): Refusal {
  return { sourceId, code: QUERY_FAILED, message: `The query fails on this record alone: ${message}` };
}

function ambiguous(sourceId: string): Refusal {
  return {
    sourceId,
    code: 'AMBIGUOUS_ROW',
    message:
      'The query returns more than one row for this record, with different values. Aggregate the joined table, or narrow the join to one row.',
  };
}
