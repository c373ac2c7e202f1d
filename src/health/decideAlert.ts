import { COUNT_LIMIT } from './facts.ts';
import type { Report } from './health.ts';
import { type HealthStatus, plainCode, rankOf } from './judge.ts';

export type AlertRules = {
  /** What is wrong must stay so for this long before it is told, and what is mended for that long. */
  worseAfterMs: number;
  betterAfterMs: number;
  /** Between two messages of one kind. */
  messageEveryMs: number;
  /** Poisoned rows of an object; ten and a hundred times as many are told again. */
  poisonThreshold: number;
};

export const defaultAlertRules: AlertRules = {
  worseAfterMs: 15_000,
  betterAfterMs: 60_000,
  messageEveryMs: 60_000,
  poisonThreshold: 100,
};

export type Kind = 'health' | 'pause' | 'poison';

/**
 * A condition is something that holds or does not. `isTold` is what people were told last. While it is otherwise,
 * `otherSince` says since when; a condition that comes and goes in between starts anew, so flapping is never told.
 */
type Condition = { kind: Kind; object: string; name: string; isTold: boolean; otherSince: number | null };

export type AlertState = {
  conditions: ReadonlyMap<string, Condition>;
  /** When a message of a kind was last tried. */
  triedAt: Readonly<Partial<Record<Kind, number>>>;
};

export const nothingTold: AlertState = { conditions: new Map(), triedAt: {} };

export type Decision = {
  /** What holds if nothing is told, or the message does not arrive: it is due again a while later. */
  next: AlertState;
  /** One text for everything that is due. */
  message: { text: string; ifTold: AlertState } | null;
};

/** What people are to be told now: what changed for good, each kind at most once in a while. */
export function decideAlert(state: AlertState, report: Report, rules: AlertRules, now: number): Decision {
  if (report.facts.isStopping) return { next: state, message: null };
  const watched = watch(state.conditions, observe(state.conditions, report, rules), now);
  const due = [...watched.values()].filter(
    ({ kind, isTold, otherSince }) =>
      otherSince !== null &&
      now - otherSince >= (isTold ? rules.betterAfterMs : rules.worseAfterMs) &&
      now - (state.triedAt[kind] ?? Number.NEGATIVE_INFINITY) >= rules.messageEveryMs,
  );
  if (due.length === 0) return { next: { ...state, conditions: watched }, message: null };

  const told = new Map(watched);
  for (const each of due) told.set(keyOf(each), { ...each, isTold: !each.isTold, otherSince: null });
  const lines = [...healthLines(due, watched, told, report), ...pauseLines(due, told), ...poisonLines(due, report)];
  // One of an object's two pauses ended: that changes what is known, and is no news.
  if (lines.length === 0) return { next: { ...state, conditions: dropOld(told) }, message: null };
  const triedAt = { ...state.triedAt, ...Object.fromEntries(due.map(({ kind }) => [kind, now])) };
  const text = `hubspot-outbox, worker ${report.facts.workerId}\n${lines.join('\n')}`;
  return { next: { conditions: watched, triedAt }, message: { text, ifTold: { conditions: dropOld(told), triedAt } } };
}

type Seen = { kind: Kind; object: string; name: string; holds: boolean };

/** What holds now. A condition that was told and is not among it holds no longer; what cannot be known stays as it was told. */
function observe(conditions: AlertState['conditions'], { health, facts, outbox }: Report, rules: AlertRules): Seen[] {
  const isTold = (seen: Omit<Seen, 'holds'>) => conditions.get(keyOf(seen))?.isTold === true;
  const rank = rankOf(health.status);
  const poisoned = outbox?.objects ?? [];
  return [
    { kind: 'health', object: '', name: 'degraded', holds: rank >= 1 },
    { kind: 'health', object: '', name: 'unhealthy', holds: rank >= 2 },
    ...facts.pauses.map(({ object, code }): Seen => ({ kind: 'pause', object, name: plainCode(code), holds: true })),
    ...poisoned.flatMap(({ object, poison }) =>
      levels(rules.poisonThreshold).map((level): Seen => {
        const seen = { kind: 'poison' as const, object, name: String(level) };
        // Once told, a fifth fewer must be poison before that is told: counts swing around a threshold.
        return { ...seen, holds: poison >= (isTold(seen) ? level * 0.8 : level) };
      }),
    ),
    ...[...conditions.values()].flatMap((known): Seen[] => {
      const { kind, object, name } = known;
      const isUnknown = kind === 'poison' && !poisoned.some((each) => each.object === object);
      return isUnknown ? [{ kind, object, name, holds: known.isTold }] : [];
    }),
  ];
}

function levels(threshold: number): number[] {
  return [threshold, threshold * 10, threshold * 100].filter((level) => level <= COUNT_LIMIT);
}

function watch(conditions: AlertState['conditions'], seen: readonly Seen[], now: number): Map<string, Condition> {
  const holding = new Map(seen.map((each) => [keyOf(each), each]));
  const known = new Map<string, Condition>(conditions);
  for (const [key, { kind, object, name }] of holding) {
    if (!known.has(key)) known.set(key, { kind, object, name, isTold: false, otherSince: null });
  }
  const watched = [...known].map(([key, condition]): [string, Condition] => {
    const isOther = (holding.get(key)?.holds ?? false) !== condition.isTold;
    return [key, { ...condition, otherSince: isOther ? (condition.otherSince ?? now) : null }];
  });
  return dropOld(new Map(watched));
}

/** What neither was told nor is seen need not be kept: names and codes come and go. */
function dropOld(conditions: ReadonlyMap<string, Condition>): Map<string, Condition> {
  return new Map([...conditions].filter(([, { isTold, otherSince }]) => isTold || otherSince !== null));
}

function keyOf({ kind, object, name }: { kind: Kind; object: string; name: string }): string {
  return `${kind} ${object} ${name}`;
}

type Conditions = ReadonlyMap<string, Condition>;

const MOST_LINES = 10;

function healthLines(due: readonly Condition[], before: Conditions, after: Conditions, { health }: Report): string[] {
  if (!due.some(({ kind }) => kind === 'health')) return [];
  const reasons = health.reasons.slice(0, MOST_LINES).map((reason) => `• ${reason}`);
  const more = health.reasons.length - reasons.length;
  return [
    `${toldStatus(after)}, was ${toldStatus(before)}`,
    ...reasons,
    ...(more > 0 ? [`• and ${more} more reasons`] : []),
  ];
}

function toldStatus(conditions: Conditions): HealthStatus {
  const told = (name: string) => conditions.get(keyOf({ kind: 'health', object: '', name }))?.isTold === true;
  return told('unhealthy') ? 'unhealthy' : told('degraded') ? 'degraded' : 'healthy';
}

function pauseLines(due: readonly Condition[], after: Conditions): string[] {
  return due
    .filter(({ kind }) => kind === 'pause')
    .flatMap(({ object, name, isTold }) => {
      const title = object === '*' ? 'every object' : object;
      if (!isTold) return [`${title} is paused: ${name}`];
      const isPausedStill = [...after.values()].some(
        (each) => each.kind === 'pause' && each.object === object && each.isTold,
      );
      return isPausedStill ? [] : [`${title} goes on (was paused: ${name})`];
    });
}

/** An object that passes several levels at once is told of once. */
function poisonLines(due: readonly Condition[], { outbox }: Report): string[] {
  const ofPoison = due.filter(({ kind }) => kind === 'poison');
  return [...new Set(ofPoison.map(({ object }) => object))].flatMap((object) => {
    const poison = outbox?.objects.find((each) => each.object === object)?.poison ?? 0;
    const passed = ofPoison
      .filter((each) => each.object === object)
      .map(({ name, isTold }) => ({ level: Number(name), isTold }));
    const up = passed.filter(({ isTold }) => !isTold).map(({ level }) => level);
    const down = passed.filter(({ isTold }) => isTold).map(({ level }) => level);
    return [
      ...(up.length > 0
        ? [`${object} has ${poison} poison rows, over ${Math.max(...up)}: hubspot-outbox poison list`]
        : []),
      ...(down.length > 0 ? [`${object} has ${poison} poison rows, below ${Math.min(...down)} again`] : []),
    ];
  });
}
