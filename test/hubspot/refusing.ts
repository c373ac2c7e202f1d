import { type Isolated, isolate, type Refusal, type Trial } from '../../src/hubspot/isolate.ts';

/** The reason for two records that do not go together. */
export const CLASH = -1;

/** A HubSpot that refuses a group with a bad record, or with two that do not go together. Records are numbers. */
export type Portal = {
  records: number[];
  bad: ReadonlySet<number>;
  /** Each may be sent, but not with the other. */
  pairs?: readonly (readonly [number, number])[];
  /** What a refusal names its records for: the value of its first bad one, and of those that only look like it. */
  quotes?: {
    valueFor(record: number): number;
    looksLike(record: number): boolean;
    /** Some refusals quote nothing. */
    isQuoted(value: number, groupSize: number): boolean;
  };
  /** Answers this call, counted from 1, record by record. */
  settlesAt?: ReadonlySet<number>;
  /** Answers nothing from this call on, counted from 1. The refused batch is the first. */
  stopsAt?: number;
};

/** The reason of a bad record is its value, as it is in a refusal that it is the first bad one of. */
export type Outcome = Isolated<number, number> & {
  /** All calls, the refused batch among them. */
  calls: number;
  /** In the order they were taken; a record sent again after it was taken would stand here twice. */
  taken: number[];
  /** Refused in an answer that spoke of each record. */
  settledBad: number[];
};

/** Sends the batch and isolates what is refused, as a delivery does. */
export async function deliverTo(portal: Portal): Promise<Outcome> {
  const outcome = { calls: 0, taken: [] as number[], settledBad: [] as number[] };
  const send = async (group: number[]): Promise<Trial<number, number>> => {
    outcome.calls += 1;
    if (outcome.calls >= (portal.stopsAt ?? Number.POSITIVE_INFINITY)) return { kind: 'stopped' };
    if (portal.settlesAt?.has(outcome.calls)) {
      outcome.taken.push(...group.filter((record) => !portal.bad.has(record)));
      outcome.settledBad.push(...group.filter((record) => portal.bad.has(record)));
      return { kind: 'settled' };
    }
    const refusal = refuse(portal, group);
    if (refusal !== null) return refusal;
    outcome.taken.push(...group);
    return { kind: 'passed' };
  };
  const first = await send(portal.records);
  const isolated =
    first.kind === 'refused'
      ? await isolate(portal.records, first, send)
      : { bad: [], undecided: first.kind === 'stopped' ? portal.records : [] };
  return { ...isolated, ...outcome };
}

function refuse({ bad, pairs = [], quotes }: Portal, group: readonly number[]): Refusal<number, number> | null {
  const culprit = group.find((record) => bad.has(record));
  const clash = pairs.find((pair) => pair.every((record) => group.includes(record)));
  const valueFor = (record: number) => quotes?.valueFor(record) ?? record;
  if (culprit === undefined && clash === undefined) return null;
  const nameOf = (record: number) => {
    if (quotes === undefined) return null;
    if (culprit === undefined) return clash?.includes(record) ? 'clash' : null;
    const isNamed = valueFor(record) === valueFor(culprit) || quotes.looksLike(record);
    return quotes.isQuoted(valueFor(culprit), group.length) && isNamed ? `value ${valueFor(record)}` : null;
  };
  return { kind: 'refused', nameOf, reasonOf: () => (culprit === undefined ? CLASH : valueFor(culprit)) };
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
